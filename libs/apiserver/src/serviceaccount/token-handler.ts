import { definitionOfKind, notFound, type KubernetesObject } from '#libs/apimachinery';
import type { VerbHandler } from '../handler/dispatch.js';
import { formOf, replyWith } from '../handler/exchange.js';
import { writeOptions } from '../handler/options.js';
import { objectSource } from '../handler/source.js';
import { decodeBody } from '../registry/codec.js';
import { objectKey } from '../registry/keys.js';

const tokenRequest = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } as const;

/**
 * Serves POST serviceaccounts/<name>/token: reads the TokenRequest and the stored service account, answers with what `issue`
 * makes of them. Nothing is stored. For the API server's `subresources`, under `/serviceaccounts/token`.
 */
export function tokenHandlers(
  issue: (request: KubernetesObject, serviceAccount: KubernetesObject) => Promise<KubernetesObject>,
): Readonly<Record<string, VerbHandler>> {
  return {
    async create(exchange) {
      const { core, info, request, warnings } = exchange;
      const definition = definitionOfKind(tokenRequest.group, tokenRequest.version, tokenRequest.kind);
      const declaration = { ...exchange.declaration, ...tokenRequest, definition };
      const form = formOf({ ...exchange, declaration }, false);
      const { fieldValidation } = writeOptions(request.query, 'CreateOptions');
      const body = decodeBody(request, declaration, fieldValidation, warnings);
      // The account, or the pod that the token is for, may have been made a moment ago through another master.
      await core.storage.barrier();
      const stored = core.storage.get(objectKey(exchange.declaration, info.namespace, info.name));
      if (stored === undefined) throw notFound(exchange.declaration, info.name);
      const answer = await issue(body, core.decoded.decode(stored));
      return replyWith({ ...exchange, declaration }, form, 201, objectSource(answer));
    },
  };
}
