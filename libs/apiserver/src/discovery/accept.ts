import { notAcceptable } from '#libs/apimachinery';
import { mediaRanges } from '../handler/negotiate.js';

export type DiscoveryForm = 'v2' | 'v2beta1' | 'plain';

/** Content-Type of each form: it echoes the parameters that were asked for. */
export const discoveryContentType: Readonly<Record<DiscoveryForm, string>> = {
  v2: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  v2beta1: 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
  plain: 'application/json',
};

const plainTypes = new Set(['application/json', 'application/*', '*/*']);

/**
 * Which form of discovery a client takes, in its own order of preference. Throws ApiError 406 when it takes none of ours.
 */
export function discoveryForm(accept: string | undefined, aggregated: boolean): DiscoveryForm {
  if (accept === undefined || accept === '') return 'plain';
  for (const { type, parameters } of mediaRanges(accept)) {
    if (!plainTypes.has(type)) continue;
    const as = parameters.get('as');
    if (as === undefined) return 'plain';
    const version = parameters.get('v');
    const known = as === 'APIGroupDiscoveryList' && parameters.get('g') === 'apidiscovery.k8s.io';
    if (aggregated && known && (version === 'v2' || version === 'v2beta1')) return version;
  }
  throw notAcceptable(['application/json']);
}

/** Under either name, of which client-go still sends the older; an answer carries the newer (kube-openapi, handler.go). */
export const openApiV2Protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
const openApiV2Types = [openApiV2Protobuf, openApiV2Protobuf.replace('v2.v1.0', 'v2@v1.0')];

/** Which form of OpenAPI v2 a client takes, in its own order of preference. Throws ApiError 406 for none of ours. */
export function openApiV2Form(accept: string | undefined): 'json' | 'protobuf' {
  if (accept === undefined || accept === '') return 'json';
  for (const { type } of mediaRanges(accept)) {
    if (plainTypes.has(type)) return 'json';
    if (openApiV2Types.includes(type)) return 'protobuf';
  }
  throw notAcceptable(['application/json', openApiV2Protobuf]);
}

/** Throws ApiError 406 unless the client takes JSON. */
export function demandJson(accept: string | undefined): void {
  discoveryForm(accept, false);
}
