/**
 * Names, numbers and types of etcd v3.6's wire protocol, as facts: of its data and its services, of authentication what
 * clients ask before they go on, and the two concurrency services. Types without a package are of the entry's own.
 */

/** By message: `field number type [repeated | in oneof]`, separated by semicolons. */
export const messages: Readonly<Record<string, string>> = {
  'etcdserverpb.AlarmMember': 'memberID 1 uint64; alarm 2 AlarmType',
  'etcdserverpb.AlarmRequest': 'action 1 AlarmRequest.AlarmAction; memberID 2 uint64; alarm 3 AlarmType',
  'etcdserverpb.AlarmResponse': 'header 1 ResponseHeader; alarms 2 AlarmMember repeated',
  'etcdserverpb.AuthDisableRequest': '',
  'etcdserverpb.AuthDisableResponse': 'header 1 ResponseHeader',
  'etcdserverpb.AuthEnableRequest': '',
  'etcdserverpb.AuthEnableResponse': 'header 1 ResponseHeader',
  'etcdserverpb.AuthStatusRequest': '',
  'etcdserverpb.AuthStatusResponse': 'header 1 ResponseHeader; enabled 2 bool; authRevision 3 uint64',
  'etcdserverpb.AuthenticateRequest': 'name 1 string; password 2 string',
  'etcdserverpb.AuthenticateResponse': 'header 1 ResponseHeader; token 2 string',
  'etcdserverpb.CompactionRequest': 'revision 1 int64; physical 2 bool',
  'etcdserverpb.CompactionResponse': 'header 1 ResponseHeader',
  'etcdserverpb.Compare':
    'result 1 Compare.CompareResult; target 2 Compare.CompareTarget; key 3 bytes; version 4 int64 in target_union; create_revision 5 int64 in target_union; mod_revision 6 int64 in target_union; value 7 bytes in target_union; lease 8 int64 in target_union; range_end 64 bytes',
  'etcdserverpb.DefragmentRequest': '',
  'etcdserverpb.DefragmentResponse': 'header 1 ResponseHeader',
  'etcdserverpb.DeleteRangeRequest': 'key 1 bytes; range_end 2 bytes; prev_kv 3 bool',
  'etcdserverpb.DeleteRangeResponse':
    'header 1 ResponseHeader; deleted 2 int64; prev_kvs 3 mvccpb.KeyValue repeated',
  'etcdserverpb.DowngradeInfo': 'enabled 1 bool; targetVersion 2 string',
  'etcdserverpb.DowngradeRequest': 'action 1 DowngradeRequest.DowngradeAction; version 2 string',
  'etcdserverpb.DowngradeResponse': 'header 1 ResponseHeader; version 2 string',
  'etcdserverpb.HashKVRequest': 'revision 1 int64',
  'etcdserverpb.HashKVResponse':
    'header 1 ResponseHeader; hash 2 uint32; compact_revision 3 int64; hash_revision 4 int64',
  'etcdserverpb.HashRequest': '',
  'etcdserverpb.HashResponse': 'header 1 ResponseHeader; hash 2 uint32',
  'etcdserverpb.LeaseGrantRequest': 'TTL 1 int64; ID 2 int64',
  'etcdserverpb.LeaseGrantResponse': 'header 1 ResponseHeader; ID 2 int64; TTL 3 int64; error 4 string',
  'etcdserverpb.LeaseKeepAliveRequest': 'ID 1 int64',
  'etcdserverpb.LeaseKeepAliveResponse': 'header 1 ResponseHeader; ID 2 int64; TTL 3 int64',
  'etcdserverpb.LeaseLeasesRequest': '',
  'etcdserverpb.LeaseLeasesResponse': 'header 1 ResponseHeader; leases 2 LeaseStatus repeated',
  'etcdserverpb.LeaseRevokeRequest': 'ID 1 int64',
  'etcdserverpb.LeaseRevokeResponse': 'header 1 ResponseHeader',
  'etcdserverpb.LeaseStatus': 'ID 1 int64',
  'etcdserverpb.LeaseTimeToLiveRequest': 'ID 1 int64; keys 2 bool',
  'etcdserverpb.LeaseTimeToLiveResponse':
    'header 1 ResponseHeader; ID 2 int64; TTL 3 int64; grantedTTL 4 int64; keys 5 bytes repeated',
  'etcdserverpb.Member':
    'ID 1 uint64; name 2 string; peerURLs 3 string repeated; clientURLs 4 string repeated; isLearner 5 bool',
  'etcdserverpb.MemberAddRequest': 'peerURLs 1 string repeated; isLearner 2 bool',
  'etcdserverpb.MemberAddResponse': 'header 1 ResponseHeader; member 2 Member; members 3 Member repeated',
  'etcdserverpb.MemberListRequest': 'linearizable 1 bool',
  'etcdserverpb.MemberListResponse': 'header 1 ResponseHeader; members 2 Member repeated',
  'etcdserverpb.MemberPromoteRequest': 'ID 1 uint64',
  'etcdserverpb.MemberPromoteResponse': 'header 1 ResponseHeader; members 2 Member repeated',
  'etcdserverpb.MemberRemoveRequest': 'ID 1 uint64',
  'etcdserverpb.MemberRemoveResponse': 'header 1 ResponseHeader; members 2 Member repeated',
  'etcdserverpb.MemberUpdateRequest': 'ID 1 uint64; peerURLs 2 string repeated',
  'etcdserverpb.MemberUpdateResponse': 'header 1 ResponseHeader; members 2 Member repeated',
  'etcdserverpb.MoveLeaderRequest': 'targetID 1 uint64',
  'etcdserverpb.MoveLeaderResponse': 'header 1 ResponseHeader',
  'etcdserverpb.PutRequest':
    'key 1 bytes; value 2 bytes; lease 3 int64; prev_kv 4 bool; ignore_value 5 bool; ignore_lease 6 bool',
  'etcdserverpb.PutResponse': 'header 1 ResponseHeader; prev_kv 2 mvccpb.KeyValue',
  'etcdserverpb.RangeRequest':
    'key 1 bytes; range_end 2 bytes; limit 3 int64; revision 4 int64; sort_order 5 RangeRequest.SortOrder; sort_target 6 RangeRequest.SortTarget; serializable 7 bool; keys_only 8 bool; count_only 9 bool; min_mod_revision 10 int64; max_mod_revision 11 int64; min_create_revision 12 int64; max_create_revision 13 int64',
  'etcdserverpb.RangeResponse':
    'header 1 ResponseHeader; kvs 2 mvccpb.KeyValue repeated; more 3 bool; count 4 int64',
  'etcdserverpb.RequestOp':
    'request_range 1 RangeRequest in request; request_put 2 PutRequest in request; request_delete_range 3 DeleteRangeRequest in request; request_txn 4 TxnRequest in request',
  'etcdserverpb.ResponseHeader':
    'cluster_id 1 uint64; member_id 2 uint64; revision 3 int64; raft_term 4 uint64',
  'etcdserverpb.ResponseOp':
    'response_range 1 RangeResponse in response; response_put 2 PutResponse in response; response_delete_range 3 DeleteRangeResponse in response; response_txn 4 TxnResponse in response',
  'etcdserverpb.SnapshotRequest': '',
  'etcdserverpb.SnapshotResponse':
    'header 1 ResponseHeader; remaining_bytes 2 uint64; blob 3 bytes; version 4 string',
  'etcdserverpb.StatusRequest': '',
  'etcdserverpb.StatusResponse':
    'header 1 ResponseHeader; version 2 string; dbSize 3 int64; leader 4 uint64; raftIndex 5 uint64; raftTerm 6 uint64; raftAppliedIndex 7 uint64; errors 8 string repeated; dbSizeInUse 9 int64; isLearner 10 bool; storageVersion 11 string; dbSizeQuota 12 int64; downgradeInfo 13 DowngradeInfo',
  'etcdserverpb.TxnRequest':
    'compare 1 Compare repeated; success 2 RequestOp repeated; failure 3 RequestOp repeated',
  'etcdserverpb.TxnResponse': 'header 1 ResponseHeader; succeeded 2 bool; responses 3 ResponseOp repeated',
  'etcdserverpb.WatchCancelRequest': 'watch_id 1 int64',
  'etcdserverpb.WatchCreateRequest':
    'key 1 bytes; range_end 2 bytes; start_revision 3 int64; progress_notify 4 bool; filters 5 WatchCreateRequest.FilterType repeated; prev_kv 6 bool; watch_id 7 int64; fragment 8 bool',
  'etcdserverpb.WatchProgressRequest': '',
  'etcdserverpb.WatchRequest':
    'create_request 1 WatchCreateRequest in request_union; cancel_request 2 WatchCancelRequest in request_union; progress_request 3 WatchProgressRequest in request_union',
  'etcdserverpb.WatchResponse':
    'header 1 ResponseHeader; watch_id 2 int64; created 3 bool; canceled 4 bool; compact_revision 5 int64; cancel_reason 6 string; fragment 7 bool; events 11 mvccpb.Event repeated',
  'mvccpb.Event': 'type 1 Event.EventType; kv 2 KeyValue; prev_kv 3 KeyValue',
  'mvccpb.KeyValue':
    'key 1 bytes; create_revision 2 int64; mod_revision 3 int64; version 4 int64; value 5 bytes; lease 6 int64',
  'v3electionpb.CampaignRequest': 'name 1 bytes; lease 2 int64; value 3 bytes',
  'v3electionpb.CampaignResponse': 'header 1 etcdserverpb.ResponseHeader; leader 2 LeaderKey',
  'v3electionpb.LeaderKey': 'name 1 bytes; key 2 bytes; rev 3 int64; lease 4 int64',
  'v3electionpb.LeaderRequest': 'name 1 bytes',
  'v3electionpb.LeaderResponse': 'header 1 etcdserverpb.ResponseHeader; kv 2 mvccpb.KeyValue',
  'v3electionpb.ProclaimRequest': 'leader 1 LeaderKey; value 2 bytes',
  'v3electionpb.ProclaimResponse': 'header 1 etcdserverpb.ResponseHeader',
  'v3electionpb.ResignRequest': 'leader 1 LeaderKey',
  'v3electionpb.ResignResponse': 'header 1 etcdserverpb.ResponseHeader',
  'v3lockpb.LockRequest': 'name 1 bytes; lease 2 int64',
  'v3lockpb.LockResponse': 'header 1 etcdserverpb.ResponseHeader; key 2 bytes',
  'v3lockpb.UnlockRequest': 'key 1 bytes',
  'v3lockpb.UnlockResponse': 'header 1 etcdserverpb.ResponseHeader',
};

/** By enumeration: `NAME number`. The first is the default. */
export const enums: Readonly<Record<string, string>> = {
  'etcdserverpb.AlarmRequest.AlarmAction': 'GET 0; ACTIVATE 1; DEACTIVATE 2',
  'etcdserverpb.AlarmType': 'NONE 0; NOSPACE 1; CORRUPT 2',
  'etcdserverpb.Compare.CompareResult': 'EQUAL 0; GREATER 1; LESS 2; NOT_EQUAL 3',
  'etcdserverpb.Compare.CompareTarget': 'VERSION 0; CREATE 1; MOD 2; VALUE 3; LEASE 4',
  'etcdserverpb.DowngradeRequest.DowngradeAction': 'VALIDATE 0; ENABLE 1; CANCEL 2',
  'etcdserverpb.RangeRequest.SortOrder': 'NONE 0; ASCEND 1; DESCEND 2',
  'etcdserverpb.RangeRequest.SortTarget': 'KEY 0; VERSION 1; CREATE 2; MOD 3; VALUE 4',
  'etcdserverpb.WatchCreateRequest.FilterType': 'NOPUT 0; NODELETE 1',
  'mvccpb.Event.EventType': 'PUT 0; DELETE 1',
};

/** By service: `Method Request Response [streaming sides]`. */
export const services: Readonly<Record<string, string>> = {
  'etcdserverpb.Auth':
    'Authenticate AuthenticateRequest AuthenticateResponse; AuthStatus AuthStatusRequest AuthStatusResponse; AuthEnable AuthEnableRequest AuthEnableResponse; AuthDisable AuthDisableRequest AuthDisableResponse',
  'etcdserverpb.Cluster':
    'MemberAdd MemberAddRequest MemberAddResponse; MemberRemove MemberRemoveRequest MemberRemoveResponse; MemberUpdate MemberUpdateRequest MemberUpdateResponse; MemberList MemberListRequest MemberListResponse; MemberPromote MemberPromoteRequest MemberPromoteResponse',
  'etcdserverpb.KV':
    'Range RangeRequest RangeResponse; Put PutRequest PutResponse; DeleteRange DeleteRangeRequest DeleteRangeResponse; Txn TxnRequest TxnResponse; Compact CompactionRequest CompactionResponse',
  'etcdserverpb.Lease':
    'LeaseGrant LeaseGrantRequest LeaseGrantResponse; LeaseRevoke LeaseRevokeRequest LeaseRevokeResponse; LeaseKeepAlive LeaseKeepAliveRequest LeaseKeepAliveResponse client server; LeaseTimeToLive LeaseTimeToLiveRequest LeaseTimeToLiveResponse; LeaseLeases LeaseLeasesRequest LeaseLeasesResponse',
  'etcdserverpb.Maintenance':
    'Alarm AlarmRequest AlarmResponse; Status StatusRequest StatusResponse; Defragment DefragmentRequest DefragmentResponse; Hash HashRequest HashResponse; HashKV HashKVRequest HashKVResponse; Snapshot SnapshotRequest SnapshotResponse server; MoveLeader MoveLeaderRequest MoveLeaderResponse; Downgrade DowngradeRequest DowngradeResponse',
  'etcdserverpb.Watch': 'Watch WatchRequest WatchResponse client server',
  'v3electionpb.Election':
    'Campaign CampaignRequest CampaignResponse; Proclaim ProclaimRequest ProclaimResponse; Leader LeaderRequest LeaderResponse; Observe LeaderRequest LeaderResponse server; Resign ResignRequest ResignResponse',
  'v3lockpb.Lock': 'Lock LockRequest LockResponse; Unlock UnlockRequest UnlockResponse',
};
