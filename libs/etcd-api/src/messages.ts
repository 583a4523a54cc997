// etcd's messages as the package definition gives and takes them: 64-bit integers are numbers, enums their names.

export interface ResponseHeader {
  readonly cluster_id: number;
  readonly member_id: number;
  readonly revision: number;
  readonly raft_term: number;
}

/** Within a transaction etcd gives the revision alone. */
export type PartialHeader = Pick<ResponseHeader, 'revision'> & Partial<ResponseHeader>;

export interface KeyValueMessage {
  readonly key: Uint8Array;
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly version: number;
  readonly value: Uint8Array;
  readonly lease: number;
}

export interface RangeRequest {
  readonly key: Buffer;
  readonly range_end: Buffer;
  readonly limit: number;
  readonly revision: number;
  readonly sort_order: string;
  readonly sort_target: string;
  readonly serializable: boolean;
  readonly keys_only: boolean;
  readonly count_only: boolean;
  readonly min_mod_revision: number;
  readonly max_mod_revision: number;
  readonly min_create_revision: number;
  readonly max_create_revision: number;
}

export interface PutRequest {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly lease: number;
  readonly prev_kv: boolean;
  readonly ignore_value: boolean;
  readonly ignore_lease: boolean;
}

export interface DeleteRangeRequest {
  readonly key: Buffer;
  readonly range_end: Buffer;
  readonly prev_kv: boolean;
}

export interface CompareMessage {
  readonly result: string;
  readonly target: string;
  readonly key: Buffer;
  readonly range_end: Buffer;
  readonly target_union?: 'version' | 'create_revision' | 'mod_revision' | 'value' | 'lease';
  readonly version?: number;
  readonly create_revision?: number;
  readonly mod_revision?: number;
  readonly value?: Buffer;
  readonly lease?: number;
}

export type RequestOp =
  | { readonly request: 'request_range'; readonly request_range: RangeRequest }
  | { readonly request: 'request_put'; readonly request_put: PutRequest }
  | { readonly request: 'request_delete_range'; readonly request_delete_range: DeleteRangeRequest }
  | { readonly request: 'request_txn'; readonly request_txn: TxnRequest }
  | { readonly request?: undefined };

export interface TxnRequest {
  readonly compare: readonly CompareMessage[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface RangeResponse {
  readonly header: PartialHeader;
  readonly kvs: readonly KeyValueMessage[];
  readonly more: boolean;
  readonly count: number;
}

export interface PutResponse {
  readonly header: PartialHeader;
  readonly prev_kv?: KeyValueMessage;
}

export interface DeleteRangeResponse {
  readonly header: PartialHeader;
  readonly deleted: number;
  readonly prev_kvs: readonly KeyValueMessage[];
}

export interface TxnResponse {
  readonly header: PartialHeader;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export type ResponseOp =
  | { readonly response_range: RangeResponse }
  | { readonly response_put: PutResponse }
  | { readonly response_delete_range: DeleteRangeResponse }
  | { readonly response_txn: TxnResponse };

export interface WatchCreateRequest {
  readonly key: Buffer;
  readonly range_end: Buffer;
  readonly start_revision: number;
  readonly progress_notify: boolean;
  readonly filters: readonly string[];
  readonly prev_kv: boolean;
  readonly watch_id: number;
  readonly fragment: boolean;
}

export type WatchRequestMessage =
  | { readonly request_union: 'create_request'; readonly create_request: WatchCreateRequest }
  | { readonly request_union: 'cancel_request'; readonly cancel_request: { readonly watch_id: number } }
  | { readonly request_union: 'progress_request' }
  | { readonly request_union?: undefined };

export interface EventMessage {
  readonly type: 'PUT' | 'DELETE';
  readonly kv: KeyValueMessage;
  readonly prev_kv?: KeyValueMessage;
}

export interface WatchResponse {
  readonly header: ResponseHeader;
  readonly watch_id: number;
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compact_revision?: number;
  readonly cancel_reason?: string;
  readonly fragment?: boolean;
  readonly events?: readonly EventMessage[];
}
