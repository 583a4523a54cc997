import { forbiddenByAuthorizer, internalError } from '#libs/apimachinery';
import type { AuthorizationAttributes, Authorizer } from '../authz.js';
import type { UserInfo } from '../request.js';
import { parseServiceAccountUsername } from '../serviceaccount/claims.js';

/**
 * A header may be sent several times: as a list, or as Node joins them, with `, ` between. (A group with that in its
 * name would fall apart; as each part must be granted, nothing is gained by it.)
 */
export type ImpersonationHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const extraPrefix = 'impersonate-extra-';

function values(header: string | readonly string[] | undefined): readonly string[] {
  if (header === undefined) return [];
  return typeof header === 'string' ? header.split(', ') : header;
}

function whole(header: string | readonly string[] | undefined): readonly string[] {
  return typeof header === 'string' ? [header] : values(header);
}

function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded; // as Kubernetes does: a key that does not unescape is taken as it is
  }
}

interface Wanted {
  readonly username: string;
  readonly uid: string | undefined;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

function wantedIdentity(headers: ImpersonationHeaders): Wanted | undefined {
  const [username = ''] = whole(headers['impersonate-user']);
  const groups = values(headers['impersonate-group']);
  const [uid] = whole(headers['impersonate-uid']);
  const extra: Record<string, readonly string[]> = Object.create(null) as Record<string, readonly string[]>;
  for (const name of Object.keys(headers)) {
    if (name.startsWith(extraPrefix))
      extra[decodeKey(name.slice(extraPrefix.length))] = values(headers[name]);
  }
  if (username !== '') return { username, uid, groups, extra };
  if (groups.length > 0 || uid !== undefined || Object.keys(extra).length > 0) {
    throw internalError('requested impersonation of groups, uid or extra without impersonating a user');
  }
  return undefined;
}

/**
 * Who the request acts as. Without impersonation headers that is the user himself; with them (Impersonate-User, -Group,
 * -Uid, -Extra-<key>; lower-case names here) each part must be granted by the verb `impersonate` on users, groups,
 * serviceaccounts, uids or userextras/<key>. Throws ApiError 403 naming what is not, 500 on headers without a user, as
 * Kubernetes answers. Called after authentication and before authorization; the returned identity is what is authorized.
 */
export async function impersonate(
  user: UserInfo,
  headers: ImpersonationHeaders,
  authorizer: Authorizer,
): Promise<UserInfo> {
  const wanted = wantedIdentity(headers);
  if (wanted === undefined) return user;
  const account = parseServiceAccountUsername(wanted.username);
  const ask = (part: Partial<AuthorizationAttributes> & { resource: string; name: string }): Promise<void> =>
    demand(user, authorizer, part);
  if (account === undefined) await ask({ resource: 'users', name: wanted.username });
  else await ask({ resource: 'serviceaccounts', name: account.name, namespace: account.namespace });
  for (const name of wanted.groups) await ask({ resource: 'groups', name });
  const authentication = { group: 'authentication.k8s.io', version: 'v1' };
  if (wanted.uid !== undefined) await ask({ ...authentication, resource: 'uids', name: wanted.uid });
  for (const [key, names] of Object.entries(wanted.extra)) {
    for (const name of names)
      await ask({ ...authentication, resource: 'userextras', subresource: key, name });
  }
  return {
    username: wanted.username,
    ...(wanted.uid === undefined ? {} : { uid: wanted.uid }),
    groups: groupsOf(wanted, account),
    extra: { ...wanted.extra },
  };
}

function groupsOf(wanted: Wanted, account: { readonly namespace: string } | undefined): readonly string[] {
  const groups = [...wanted.groups];
  if (account !== undefined && groups.length === 0) {
    groups.push('system:serviceaccounts', `system:serviceaccounts:${account.namespace}`);
  }
  const anonymous = wanted.username === 'system:anonymous' || groups.includes('system:unauthenticated');
  const closing = anonymous ? 'system:unauthenticated' : 'system:authenticated';
  return groups.includes(closing) ? groups : [...groups, closing];
}

async function demand(
  user: UserInfo,
  authorizer: Authorizer,
  part: Partial<AuthorizationAttributes> & { resource: string; name: string },
): Promise<void> {
  const attributes: AuthorizationAttributes = {
    user,
    verb: 'impersonate',
    resourceRequest: true,
    group: '',
    version: 'v1',
    subresource: '',
    namespace: '',
    path: '',
    ...part,
  };
  const { decision, reason } = await authorizer.authorize(attributes);
  if (decision === 'allow') return;
  throw forbiddenByAuthorizer({ ...attributes, username: user.username, reason });
}
