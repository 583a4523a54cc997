import type { KubernetesObject, ResourceDeclaration } from '#libs/apimachinery';
import type { KeyValue, TxnOptions } from '#libs/consensus';
import type { AdmissionAttributes, AdmissionOperation } from '../admission/plugin.js';
import type { UserInfo } from '../request.js';

/** What a write is about, beside the object. */
export interface WriteRequest {
  readonly declaration: ResourceDeclaration;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  /** Empty on create. */
  readonly name: string;
  readonly subresource: string;
  readonly user: UserInfo;
  readonly fence: number | undefined;
  readonly dryRun: boolean;
  readonly fieldManager: string;
  /** RFC 3339, whole seconds. */
  readonly now: string;
  readonly nowMs: number;
  readonly warnings: string[];
}

/** What a write left behind. */
export interface Written {
  /** As stored; undefined after a dry run and where the object is gone. */
  readonly keyValue: KeyValue | undefined;
  /** In the version of the declaration. Shared: read only. */
  readonly object: KubernetesObject;
  readonly created: boolean;
  /** The object is no more: its last finalizer went, or it was deleted. */
  readonly deleted: boolean;
}

export function txnOptions(write: WriteRequest): TxnOptions {
  return write.fence === undefined ? {} : { fence: write.fence };
}

export function admissionAttributes(
  write: WriteRequest,
  operation: AdmissionOperation,
  object: KubernetesObject | undefined,
  oldObject: KubernetesObject | undefined,
): AdmissionAttributes {
  return {
    operation,
    declaration: write.declaration,
    subresource: write.subresource,
    namespace: write.namespace,
    name: object?.metadata.name ?? write.name,
    object,
    oldObject,
    user: write.user,
    dryRun: write.dryRun,
    now: write.now,
    warn: (message) => write.warnings.push(message),
  };
}
