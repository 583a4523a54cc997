import { badRequest, fieldErrors, invalid } from '#libs/apimachinery';
import type { KeyValue, Revision } from '#libs/consensus';
import { listPrefix, prefixEnd, resourcePrefix } from '../registry/keys.js';
import { parseResourceVersion, waitForRevision } from '../registry/resource-version.js';
import { narrowedTo, parseSelection, type Selection } from '../registry/selection.js';
import { servedObject } from '../registry/served.js';
import type { ApiResponse } from '../request.js';
import { byteFrames, objectFrames } from '../watch/frames.js';
import { WatchStream } from '../watch/watch-stream.js';
import { formOf, tableOptions, type Exchange } from './exchange.js';
import { watchContentType } from './forms.js';
import { watchTimeoutSeconds } from './options.js';
import { isTrue } from './request-info.js';
import { typeHeaders } from './reply.js';

/** Where a watch begins: what it announces first, and the revision after which it goes on. */
interface Beginning {
  readonly initial: readonly KeyValue[];
  readonly from: Revision;
  readonly initialEventsEnd: boolean;
}

/**
 * Opens a watch. With a resourceVersion it delivers everything after it; with 0 or none it first announces what exists
 * (`sendInitialEvents` decides explicitly, and closes the announcement with a bookmark).
 *
 * Throws ApiError: 400 or 422 for options that contradict each other, 410 when the revision has been compacted away.
 */
export async function watchObjects(exchange: Exchange): Promise<ApiResponse> {
  const { core, info, declaration, request } = exchange;
  const form = formOf(exchange);
  const { query } = request;
  const parsed = parseSelection(declaration, query.get('labelSelector'), query.get('fieldSelector'));
  const selection = info.name === '' ? parsed : narrowedTo(parsed, info.name);
  const timeoutMs = watchTimeoutSeconds(query, core.random) * 1000;
  const namespace = declaration.namespaced ? info.namespace || (selection.namespace ?? '') : '';
  const prefix = listPrefix(declaration, namespace);
  const frames = request.wantsObject
    ? objectFrames(core.decoded, declaration)
    : byteFrames(core.decoded, declaration, form, tableOptions(exchange));
  const hub = core.hubs.of(resourcePrefix(declaration));
  const beginning = await begin(exchange, prefix, selection);
  // Compacted revisions are refused before the stream opens, so that clients see a plain 410.
  if (hub.recentSince(beginning.from) === undefined) await hub.history(beginning.from);
  return {
    kind: 'stream',
    status: 200,
    headers: typeHeaders(watchContentType(form)),
    start: (sink) => {
      const stream = new WatchStream({
        hub,
        clock: core.clock,
        sink,
        frames,
        selection,
        prefix,
        ...beginning,
        bookmarks: isTrue(query.get('allowWatchBookmarks')),
        timeoutMs,
        onFault: (error) => core.onFault(error, request),
        onEnd: () => ended(),
      });
      const ended = core.watchOpened(declaration, () => stream.finish());
      stream.start();
      return () => stream.stop();
    },
  };
}

async function begin(exchange: Exchange, prefix: string, selection: Selection): Promise<Beginning> {
  const { core, request } = exchange;
  const { query } = request;
  const revision = parseResourceVersion(query.get('resourceVersion'));
  const sendInitial = initialEventsOption(query);
  if (query.get('continue') !== null && query.get('continue') !== '')
    throw badRequest('continue is not supported on a watch');
  if (sendInitial === undefined && revision !== undefined && revision > 0) {
    await waitForRevision(core.storage, core.clock, revision);
    return { initial: [], from: revision as Revision, initialEventsEnd: false };
  }
  if (revision === undefined) await core.storage.barrier();
  else if (revision > 0) await waitForRevision(core.storage, core.clock, revision);
  if (sendInitial === false) {
    const from = revision === undefined || revision === 0 ? core.storage.revision : (revision as Revision);
    return { initial: [], from, initialEventsEnd: false };
  }
  return {
    ...initialState(exchange, prefix, selection),
    initialEventsEnd: sendInitial === true && isTrue(query.get('allowWatchBookmarks')),
  };
}

function initialState({ core, declaration }: Exchange, prefix: string, selection: Selection) {
  const { keyValues, revision } = core.storage.range({ start: prefix, end: prefixEnd(prefix) });
  const initial = selection.everything
    ? keyValues
    : keyValues.filter((each) => selection.matches(servedObject(core.decoded, each, declaration)));
  return { initial, from: revision };
}

/** `sendInitialEvents`, undefined when absent. Throws ApiError 422 where the match does not fit. */
function initialEventsOption(query: URLSearchParams): boolean | undefined {
  const text = query.get('sendInitialEvents');
  const match = query.get('resourceVersionMatch') ?? '';
  const of = { group: 'meta.k8s.io', kind: 'ListOptions' };
  if (text === null || text === '') {
    if (match !== '')
      throw invalid(of, '', [
        fieldErrors.forbiddenField(
          'resourceVersionMatch',
          'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ),
      ]);
    return undefined;
  }
  if (match !== 'NotOlderThan')
    throw invalid(of, '', [
      match === ''
        ? fieldErrors.forbiddenField(
            'resourceVersionMatch',
            'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
          )
        : fieldErrors.notSupported('resourceVersionMatch', match, ['NotOlderThan']),
    ]);
  return isTrue(text);
}
