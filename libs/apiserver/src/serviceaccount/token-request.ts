import { randomUUID } from 'node:crypto';
import {
  badRequest,
  conflict,
  fieldErrors,
  forbidden,
  invalid,
  notFound,
  type KubernetesObject,
} from '#libs/apimachinery';
import { SignJWT } from 'jose';
import { timestamp, type Clock } from '../clock.js';
import { serviceAccountUsername, type KubernetesClaim, type NamedUid } from './claims.js';
import type { ObjectLookup } from './object-lookup.js';
import type { TokenKeys } from './token-keys.js';

export interface TokenIssuerOptions {
  readonly keys: TokenKeys;
  readonly issuer: string;
  /** For requests that name none. */
  readonly audiences: readonly string[];
  readonly lookup: ObjectLookup;
  readonly clock: Clock;
  /** Longer requests get this much. Unlimited when absent, as in Kubernetes. */
  readonly maxExpirationSeconds?: number;
}

/** TokenRequest, group authentication.k8s.io/v1. */
interface TokenRequestSpec {
  readonly audiences?: readonly string[] | null;
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: BoundObjectReference | null;
}

interface BoundObjectReference {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly name?: string;
  readonly uid?: string;
}

const minSeconds = 600;
const maxSeconds = 2 ** 32;
const defaultSeconds = 3600;

/**
 * Answers a create of `serviceaccounts/<name>/token`: signs a token for `serviceAccount` (the stored object) as the
 * TokenRequest asks and returns the request with its status filled in.
 * Throws ApiError: 422 on a bad expirationSeconds, 400 on a reference that tokens cannot be bound to, 404 when what it
 * names does not exist, 409 when that has another uid, 403 when a pod runs under another service account.
 */
export async function issueToken(
  request: KubernetesObject,
  serviceAccount: KubernetesObject,
  options: TokenIssuerOptions,
): Promise<KubernetesObject> {
  const spec = (request['spec'] ?? {}) as TokenRequestSpec;
  const namespace = serviceAccount.metadata.namespace ?? '';
  const name = serviceAccount.metadata.name ?? '';
  const seconds = Math.min(checkedSeconds(spec, name), options.maxExpirationSeconds ?? Infinity);
  const wanted = spec.audiences ?? [];
  const audiences = wanted.length === 0 ? options.audiences : wanted;
  const claim: KubernetesClaim = {
    namespace,
    serviceaccount: { name, uid: serviceAccount.metadata.uid ?? '' },
    ...boundClaims(spec.boundObjectRef ?? undefined, serviceAccount, options.lookup),
  };
  const nowSeconds = Math.floor(options.clock.nowMs() / 1000);
  const token = await new SignJWT({ 'kubernetes.io': claim })
    .setProtectedHeader({ alg: options.keys.algorithm, kid: options.keys.keyId })
    .setIssuer(options.issuer)
    .setSubject(serviceAccountUsername(namespace, name))
    .setAudience([...audiences])
    .setIssuedAt(nowSeconds)
    .setNotBefore(nowSeconds)
    .setExpirationTime(nowSeconds + seconds)
    .setJti(randomUUID())
    .sign(options.keys.privateKey);
  return {
    ...request,
    metadata: { ...request.metadata, name, namespace, creationTimestamp: timestamp(nowSeconds * 1000) },
    spec: { ...spec, audiences, expirationSeconds: seconds },
    status: { token, expirationTimestamp: timestamp((nowSeconds + seconds) * 1000) },
  };
}

function checkedSeconds(spec: TokenRequestSpec, name: string): number {
  const seconds = spec.expirationSeconds ?? defaultSeconds;
  let detail: string | undefined;
  if (seconds < minSeconds) detail = 'may not specify a duration less than 10 minutes';
  if (seconds > maxSeconds) detail = 'may not specify a duration larger than 2^32 seconds';
  if (detail === undefined) return seconds;
  throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, [
    fieldErrors.invalidValue('spec.expirationSeconds', seconds, detail),
  ]);
}

const boundKinds = new Map([
  ['v1/Pod', 'pods'],
  ['v1/Secret', 'secrets'],
  ['v1/Node', 'nodes'],
] as const);

/** The named object, after making sure that it is there and is the one that is meant. */
function find(
  lookup: ObjectLookup,
  resource: 'pods' | 'secrets' | 'nodes',
  namespace: string,
  reference: BoundObjectReference,
): KubernetesObject {
  const name = reference.name ?? '';
  const object = lookup.find(resource, resource === 'nodes' ? '' : namespace, name)?.object();
  if (object === undefined) {
    throw notFound({ group: '', resource }, name);
  }
  const { uid } = object.metadata;
  if (reference.uid !== undefined && reference.uid !== '' && reference.uid !== uid) {
    throw conflict(
      { group: '', resource },
      name,
      `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  return object;
}

function boundClaims(
  reference: BoundObjectReference | undefined,
  serviceAccount: KubernetesObject,
  lookup: ObjectLookup,
): { pod?: NamedUid; secret?: NamedUid; node?: NamedUid } {
  if (reference === undefined) return {};
  const key = `${reference.apiVersion ?? ''}/${reference.kind ?? ''}`;
  const resource = boundKinds.get(key as 'v1/Pod');
  if (resource === undefined) {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(serviceAccount.metadata.name)} to an object of kind ${JSON.stringify(reference.kind ?? '')} in ${JSON.stringify(reference.apiVersion ?? '')}: only v1 Pod, Secret and Node`,
    );
  }
  const namespace = serviceAccount.metadata.namespace ?? '';
  const object = find(lookup, resource, namespace, reference);
  const named: NamedUid = { name: object.metadata.name ?? '', uid: object.metadata.uid ?? '' };
  if (resource === 'secrets') return { secret: named };
  if (resource === 'nodes') return { node: named };
  const { serviceAccountName, nodeName } = object['spec'] as {
    serviceAccountName?: string;
    nodeName?: string;
  };
  if ((serviceAccountName ?? 'default') !== serviceAccount.metadata.name) {
    throw forbidden(
      { group: '', resource },
      named.name,
      `cannot bind token for serviceaccount ${JSON.stringify(serviceAccount.metadata.name)} to pod running with different serviceaccount name.`,
    );
  }
  if (nodeName === undefined || nodeName === '') return { pod: named };
  const node = lookup.find('nodes', '', nodeName)?.object();
  return node === undefined
    ? { pod: named }
    : { pod: named, node: { name: nodeName, uid: node.metadata.uid ?? '' } };
}
