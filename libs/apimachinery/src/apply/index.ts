/**
 * Who owns which field. `applyPatch` is server-side apply; `trackUpdate` gives the managedFields after any other write:
 * `object.metadata.managedFields = trackUpdate({ before, after: object, schema, manager, apiVersion, subresource: '', now })`.
 */
export { applyPatch, type ApplyRequest, type ApplyResult } from './apply-patch.js';
export { trackUpdate, type TrackUpdate } from './track-update.js';
export {
  difference as fieldSetDifference,
  equalSets as fieldSetsEqual,
  intersection as fieldSetIntersection,
  memberPaths as fieldSetPaths,
  parseFieldSet,
  union as fieldSetUnion,
  type FieldSet,
} from './field-set.js';
