import { connect, createServer, type Server } from 'node:net';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../ui/errors.js';
import type { FaultOrder } from './faults.js';
import type { MasterState } from './state.js';

/** What the CLI and local masters may ask of a running supervisor. Everything else goes to the masters themselves. */
export type ControlRequest =
  | { readonly command: 'stop' }
  /** A master that was added to the group, to be started; one that was removed from it, to be ended and forgotten. */
  | { readonly command: 'adopt'; readonly master: MasterState }
  | { readonly command: 'dismiss'; readonly master: string }
  /** Orderly, and with the program of another installation where one is given. */
  | { readonly command: 'restart'; readonly master: string; readonly installation?: string }
  /** Answered with a FaultReport. */
  | { readonly command: 'faults' }
  /** Answered with a FaultRecord. */
  | FaultOrder;

type ControlReply =
  { readonly ok: true; readonly result?: unknown } | { readonly ok: false; readonly error: string };

/** Socket paths are limited to about 100 bytes: a long data directory gets one in the temporary folder. */
export function controlPath(dataDir: string): string {
  const near = join(dataDir, 'supervisor.sock');
  if (near.length < 100) return near;
  return join(tmpdir(), `trireme-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}.sock`);
}

export async function serveControl(
  dataDir: string,
  handle: (request: ControlRequest) => Promise<unknown>,
): Promise<Server> {
  const path = controlPath(dataDir);
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    let text = '';
    socket.setEncoding('utf8').on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > 65_536) socket.destroy();
      if (!text.endsWith('\n')) return;
      const answer = (reply: ControlReply): void => void socket.end(`${JSON.stringify(reply)}\n`);
      handle(JSON.parse(text) as ControlRequest).then(
        (result) => answer({ ok: true, result }),
        (error: unknown) =>
          answer({ ok: false, error: error instanceof Error ? error.message : String(error) }),
      );
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return server;
}

/**
 * Sends one request to the supervisor and resolves to what it answers: see ControlRequest. Throws UserError when it cannot
 * be reached or refuses.
 */
export async function askSupervisor(dataDir: string, request: ControlRequest): Promise<unknown> {
  const reply = await new Promise<ControlReply>((resolve, reject) => {
    const socket = connect(controlPath(dataDir));
    let text = '';
    socket.setEncoding('utf8').setTimeout(60_000, () => socket.destroy(new Error('no answer within 60 s')));
    socket.on('error', (error) =>
      reject(new UserError(`cannot reach the cluster's supervisor: ${error.message}`)),
    );
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => {
      if (text === '') reject(new UserError("the cluster's supervisor ended before it answered"));
      else resolve(JSON.parse(text) as ControlReply);
    });
    socket.write(`${JSON.stringify(request)}\n`);
  });
  if (!reply.ok) throw new UserError(reply.error);
  return reply.result;
}
