/** Messages of etcd's protocol as they are decoded with `longs: Number`: what the external engine uses of them. */
export interface WireHeader {
  readonly cluster_id: number;
  readonly revision: number;
}

export interface WireKeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly version: number;
  readonly lease: number;
}

export interface WireEvent {
  readonly type: 'PUT' | 'DELETE';
  readonly kv: WireKeyValue;
}

export interface RangeRequest {
  readonly key: Buffer;
  readonly range_end?: Buffer;
  readonly limit?: number;
  readonly revision?: number;
}

export interface RangeResponse {
  readonly header: WireHeader;
  readonly kvs: readonly WireKeyValue[];
  readonly more: boolean;
  readonly count: number;
}

export interface WireCompare {
  readonly result: 'EQUAL' | 'NOT_EQUAL' | 'GREATER' | 'LESS';
  readonly target: 'VERSION' | 'CREATE' | 'MOD' | 'VALUE' | 'LEASE';
  readonly key: Buffer;
  readonly version?: number;
  readonly create_revision?: number;
  readonly mod_revision?: number;
  readonly lease?: number;
  readonly value?: Buffer;
}

export type RequestOp =
  | { readonly request_range: RangeRequest }
  | { readonly request_put: { readonly key: Buffer; readonly value: Buffer; readonly lease?: number } }
  | { readonly request_delete_range: { readonly key: Buffer; readonly range_end?: Buffer } }
  | { readonly request_txn: TxnRequest };

export interface TxnRequest {
  readonly compare: readonly WireCompare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface TxnResponse {
  readonly header: WireHeader;
  readonly succeeded: boolean;
  readonly responses: readonly {
    readonly response_range?: RangeResponse;
    readonly response_txn?: TxnResponse;
  }[];
}

export interface WatchResponse {
  readonly header: WireHeader;
  readonly watch_id: number;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compact_revision: number;
  readonly cancel_reason: string;
  readonly fragment: boolean;
  readonly events: readonly WireEvent[];
}

export interface StatusResponse {
  readonly header: WireHeader;
  readonly version: string;
  readonly dbSize: number;
  readonly dbSizeInUse: number;
  /** Since 3.6; 0 before. */
  readonly dbSizeQuota: number;
  readonly errors: readonly string[];
}

/** Requests and answers by method. */
export interface Methods {
  readonly 'KV/Range': [RangeRequest, RangeResponse];
  readonly 'KV/Txn': [TxnRequest, TxnResponse];
  readonly 'KV/Put': [{ readonly key: Buffer; readonly value: Buffer }, { readonly header: WireHeader }];
  readonly 'KV/Compact': [{ readonly revision: number }, object];
  readonly 'Lease/LeaseGrant': [
    { readonly TTL: number; readonly ID: number },
    { readonly header: WireHeader; readonly ID: number; readonly TTL: number },
  ];
  readonly 'Lease/LeaseRevoke': [{ readonly ID: number }, { readonly header: WireHeader }];
  readonly 'Maintenance/Status': [object, StatusResponse];
  readonly 'Auth/Authenticate': [
    { readonly name: string; readonly password: string },
    { readonly token: string },
  ];
}

export type MethodName = keyof Methods;

export interface Streams {
  readonly 'Watch/Watch': [object, WatchResponse];
  readonly 'Lease/LeaseKeepAlive': [{ readonly ID: number }, { readonly ID: number; readonly TTL: number }];
}

export type StreamName = keyof Streams;
