/** An object that a token names, with the uid that it had. */
export interface NamedUid {
  readonly name: string;
  readonly uid: string;
}

/** The private claim `kubernetes.io` of a service-account token (KEP-1205, KEP-4193). */
export interface KubernetesClaim {
  readonly namespace: string;
  readonly serviceaccount: NamedUid;
  readonly pod?: NamedUid;
  readonly secret?: NamedUid;
  readonly node?: NamedUid;
}

export const serviceAccountPrefix = 'system:serviceaccount:';

export function serviceAccountUsername(namespace: string, name: string): string {
  return `${serviceAccountPrefix}${namespace}:${name}`;
}

/** Namespace and name of a service account's user name; undefined for other users. */
export function parseServiceAccountUsername(
  username: string,
): { readonly namespace: string; readonly name: string } | undefined {
  if (!username.startsWith(serviceAccountPrefix)) return undefined;
  const [namespace, name, extra] = username.slice(serviceAccountPrefix.length).split(':');
  return namespace === undefined ||
    namespace === '' ||
    name === undefined ||
    name === '' ||
    extra !== undefined
    ? undefined
    : { namespace, name };
}
