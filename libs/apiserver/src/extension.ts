import type { KubernetesObject, ResourceDeclaration } from '#libs/apimachinery';
import type { RequestInfo } from './handler/request-info.js';
import type { ApiRequest, ApiResponse } from './request.js';

/**
 * Answers paths that are no resources: discovery, OpenAPI, /version, health, OIDC keys. Asked in order after
 * authorization; the first that does not answer undefined wins.
 */
export type PathHandler = (request: ApiRequest) => ApiResponse | Promise<ApiResponse> | undefined;

/** What a handler of a virtual resource or of a delegated subresource gets beside the object. */
export interface ExtensionContext {
  readonly request: ApiRequest;
  readonly info: RequestInfo;
  readonly declaration: ResourceDeclaration;
  /** For subresources: the stored parent, decoded and shared; read only. */
  readonly parent: KubernetesObject | undefined;
  /** RFC 3339, whole seconds. */
  readonly now: string;
  readonly dryRun: boolean;
}

/**
 * Computes the answer to a create of a kind that is never stored (reviews, tokens): gets the decoded, defaulted
 * object and returns the object to answer with (201). Throws ApiError.
 */
export type VirtualCreate = (
  object: KubernetesObject,
  context: ExtensionContext,
) => KubernetesObject | Promise<KubernetesObject>;
