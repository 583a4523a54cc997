import type { Authorizer } from '../authz.js';
import type { UserInfo } from '../request.js';

/** Whether a user may do something to a path that is no resource; `verb` is the lower-case method. */
export async function mayAccessPath(
  authorizer: Authorizer,
  user: UserInfo,
  verb: string,
  path: string,
): Promise<boolean> {
  const noResource = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '' };
  const { decision } = await authorizer.authorize({
    user,
    verb,
    path,
    resourceRequest: false,
    ...noResource,
  });
  return decision === 'allow';
}
