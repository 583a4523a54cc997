import { describe, expect, it } from 'vitest';
import { ApiError } from '#libs/apimachinery';
import { bindSignal, createClient } from './client.js';
import {
  createInProcessTransport,
  type InProcessRequest,
  type InProcessResponse,
} from './in-process-transport.js';
import { resources } from './kinds/resources.js';

const user = { username: 'system:kube-controller-manager', groups: ['system:masters'] };

function serve(answer: (request: InProcessRequest) => InProcessResponse) {
  const seen: InProcessRequest[] = [];
  const transport = createInProcessTransport(
    (request) => {
      seen.push(request);
      return Promise.resolve(answer(request));
    },
    { user, fence: 7, userAgent: 'spec' },
  );
  return { seen, transport };
}

describe('in-process transport', () => {
  it('hands over the object itself, the user and the term, and returns the server’s object', async () => {
    const stored = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
    const { seen, transport } = serve(() => ({ kind: 'unary', status: 201, object: stored }));
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } };
    expect(
      await createClient(transport).resource(resources.configMaps).create(body, { fieldManager: 'me' }),
    ).toBe(stored);
    expect(seen[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/namespaces/default/configmaps',
      user,
      fence: 7,
      wantsObject: true,
    });
    expect(seen[0]?.query.get('fieldManager')).toBe('me');
    expect(seen[0]?.body?.object).toBe(body);
  });

  it('rejects with the ApiError that a Status stands for', async () => {
    const { transport } = serve(() => ({
      kind: 'unary',
      status: 404,
      object: new ApiError(404, 'NotFound', 'no such pod').toStatus(),
    }));
    await expect(
      createClient(transport).resource(resources.pods).get('a', { namespace: 'b' }),
    ).rejects.toMatchObject({ reason: 'NotFound', message: 'no such pod' });
  });

  it('delivers a watch until it is closed, and nothing after', async () => {
    let stopped = 0;
    let write: (frame: { type: string; object: unknown }) => boolean = () => false;
    const { transport } = serve(() => ({
      kind: 'stream',
      status: 200,
      start: (sink) => {
        write = (frame) => sink.write(frame);
        return () => void stopped++;
      },
    }));
    const events: unknown[] = [];
    let ends = 0;
    const watch = await createClient(transport)
      .resource(resources.pods)
      .watch({}, { onEvent: (type, object) => events.push([type, object]), onEnd: () => void ends++ });
    expect(write({ type: 'ADDED', object: 1 })).toBe(true);
    watch.close();
    watch.close();
    expect(write({ type: 'ADDED', object: 2 })).toBe(false);
    expect([events, ends, stopped]).toEqual([[['ADDED', 1]], 1, 1]);
  });

  it('starts nothing after its bound signal has aborted, and ends the watches that are open', async () => {
    const { seen, transport } = serve((request) =>
      request.query.get('watch') === 'true'
        ? { kind: 'stream', status: 200, start: () => () => undefined }
        : { kind: 'unary', status: 200, object: {} },
    );
    const stop = new AbortController();
    const pods = createClient(bindSignal(transport, stop.signal)).resource(resources.pods);
    let ended = false;
    await pods.watch({}, { onEvent: () => undefined, onEnd: () => (ended = true) });
    stop.abort(new Error('deposed'));
    expect(ended).toBe(true);
    await expect(pods.get('a')).rejects.toThrow('deposed');
    expect(seen).toHaveLength(1);
  });
});
