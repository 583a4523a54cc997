import type { EtcdOperationResult, EtcdRangeResult, EtcdTxnResult, KeyValue } from '#libs/consensus';
import type { KeyValueMessage, PartialHeader, RangeResponse, ResponseOp, TxnResponse } from '../messages.js';

/** The stored bytes themselves: nothing is copied before the encoder does. */
export function keyValueMessage(keyValue: KeyValue): KeyValueMessage {
  const { key, value, createRevision, modRevision, version, lease } = keyValue;
  return {
    key: Buffer.from(key, 'latin1'),
    create_revision: createRevision,
    mod_revision: modRevision,
    version,
    value,
    lease,
  };
}

export function previousMessage(previous: KeyValue | undefined): { readonly prev_kv?: KeyValueMessage } {
  return previous === undefined ? {} : { prev_kv: keyValueMessage(previous) };
}

export function rangeResponse(result: EtcdRangeResult, header: PartialHeader): RangeResponse {
  return { header, kvs: result.keyValues.map(keyValueMessage), more: result.more, count: result.count };
}

export function txnResponse(result: EtcdTxnResult, header: PartialHeader): TxnResponse {
  return { header, succeeded: result.succeeded, responses: result.results.map(responseOp) };
}

function responseOp(result: EtcdOperationResult): ResponseOp {
  const header = { revision: result.revision };
  switch (result.type) {
    case 'range':
      return { response_range: rangeResponse(result, header) };
    case 'put':
      return { response_put: { header, ...previousMessage(result.previous) } };
    case 'deleteRange': {
      const { deleted, previous } = result;
      return { response_delete_range: { header, deleted, prev_kvs: previous.map(keyValueMessage) } };
    }
    case 'txn':
      return { response_txn: txnResponse(result, header) };
  }
}
