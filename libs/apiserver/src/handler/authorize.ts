import { forbiddenByAuthorizer, forbiddenPath } from '#libs/apimachinery';
import type { AuthorizationAttributes, AuthorizationDecision, Authorizer } from '../authz.js';
import type { UserInfo } from '../request.js';
import type { Exchange } from './exchange.js';
import type { RequestInfo } from './request-info.js';

/** Throws ApiError 403 unless the authorizer allows. Undefined where the answer was there at once. */
export function authorize(
  authorizer: Authorizer,
  user: UserInfo,
  info: RequestInfo,
): Promise<void> | undefined {
  const { resourceRequest, verb, group, version, resource, subresource, namespace, name, path } = info;
  const attributes: AuthorizationAttributes = {
    user,
    verb,
    resourceRequest,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    path,
  };
  const answer = authorizer.authorize(attributes);
  if (answer instanceof Promise) return answer.then((decision) => refuseUnlessAllowed(decision, attributes));
  refuseUnlessAllowed(answer, attributes);
  return undefined;
}

function refuseUnlessAllowed(
  { decision, reason }: AuthorizationDecision,
  attributes: AuthorizationAttributes,
): void {
  if (decision === 'allow') return;
  const { user, verb, path } = attributes;
  if (!attributes.resourceRequest) throw forbiddenPath(user.username, verb, path);
  const { group, resource, subresource, namespace, name } = attributes;
  throw forbiddenByAuthorizer({
    username: user.username,
    verb,
    group,
    resource,
    subresource,
    namespace,
    name,
    reason,
  });
}

/** Another verb on the same object that the request turns out to need, such as create for an update of what is not there. */
export async function authorizeAlso(exchange: Exchange, verb: string): Promise<void> {
  const { core, request, info } = exchange;
  await authorize(core.authorizer, request.user, { ...info, verb });
}
