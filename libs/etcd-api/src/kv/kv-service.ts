import { onlyReadsEtcd } from '#libs/consensus';
import type { EtcdOperation, EtcdOperationResult } from '#libs/consensus';
import type { Serving } from '../backend.js';
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  TxnRequest,
  TxnResponse,
} from '../messages.js';
import { clamp, deleteRangeOf, isSerializable, putOf, rangeOf, txnOf } from './requests.js';
import { keyValueMessage, previousMessage, rangeResponse, txnResponse } from './responses.js';

type ResultOf<Type extends EtcdOperationResult['type']> = Extract<EtcdOperationResult, { type: Type }>;

/** etcd's KV service. Reads are linearizable on every member unless the request says `serializable`. */
export class KvService {
  constructor(private readonly serving: Serving) {}

  async range(request: RangeRequest): Promise<RangeResponse> {
    const query = rangeOf(request);
    const { space } = this.serving;
    if (!request.serializable) await space.barrier();
    const result = space.range(query);
    return rangeResponse(result, this.serving.header(result.revision));
  }

  async put(request: PutRequest): Promise<PutResponse> {
    const { previous, revision } = await this.write<'put'>(putOf(request));
    return { header: this.serving.header(revision), ...previousMessage(previous) };
  }

  async deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeResponse> {
    const { deleted, previous, revision } = await this.write<'deleteRange'>(deleteRangeOf(request));
    return { header: this.serving.header(revision), deleted, prev_kvs: previous.map(keyValueMessage) };
  }

  /** One operation is a transaction of one. */
  private async write<Type extends 'put' | 'deleteRange'>(operation: EtcdOperation): Promise<ResultOf<Type>> {
    const txn = { type: 'txn', compare: [], success: [operation], failure: [] } as const;
    const { results } = await this.serving.space.txn(txn);
    return results[0] as ResultOf<Type>;
  }

  async txn(request: TxnRequest): Promise<TxnResponse> {
    const txn = txnOf(request);
    const { space } = this.serving;
    if (!onlyReadsEtcd(txn)) {
      const result = await space.txn(txn);
      return txnResponse(result, this.serving.header(result.revision));
    }
    if (!isSerializable(request)) await space.barrier();
    const result = space.read(txn);
    return txnResponse(result, this.serving.header(result.revision));
  }

  /** Answers once the bound has moved on all that applied it; the memory is freed in small steps behind it. */
  async compact({ revision }: { readonly revision: number }): Promise<{ readonly header: ResponseHeader }> {
    await this.serving.space.compact(Math.max(0, clamp(revision)));
    return { header: this.serving.header() };
  }
}
