/**
 * Kubernetes' protobuf (`application/vnd.kubernetes.protobuf`), driven by the field numbers of the structure data:
 * `decodeProtobuf(encodeProtobuf(pod)).object` is the pod. Watches frame each event with `encodeWatchFrame`.
 */
export {
  decodeProtobuf,
  encodeProtobuf,
  encodeProtobufList,
  encodeProtobufMessage,
  encodeWatchFrame,
  hasProtobuf,
} from './codec.js';
export { decodeBase64, encodeBase64 } from './base64.js';
