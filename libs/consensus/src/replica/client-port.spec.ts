import { encodeCommand } from '#libs/mvcc';
import type { Command, CommandResult, Revision } from '#libs/mvcc';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../bytes.js';
import { nodeClock } from '../environment/clock.js';
import { readAnswers, writeRequests } from '../transport/client-codec.js';
import type { ClientAnswer, ClientRequest } from '../transport/client-codec.js';
import { ClientPort } from './client-port.js';

const id = { session: 9, sequence: 4, answeredBelow: 4 };
const done: CommandResult = { revision: 7 as Revision, succeeded: true, results: [], repeated: false };

/** Every answer, with the body that it came in. */
async function answersTo(
  requests: readonly ClientRequest[],
  result: CommandResult = done,
): Promise<ClientAnswer[][]> {
  const proposed: Command[] = [];
  const bodies: ClientAnswer[][] = [];
  await new Promise<void>((resolve) => {
    const port = new ClientPort({
      clock: nodeClock,
      propose: (command) => {
        proposed.push(command);
        return Promise.resolve(result);
      },
      barrier: () => Promise.resolve(),
      get: () => undefined,
      answer: (all) => {
        for (const { body } of all) bodies.push(readAnswers(Buffer.from(body)));
        if (bodies.flat().length === requests.length) resolve();
      },
    });
    const writer = new ByteWriter();
    writeRequests(writer, requests);
    port.take([{ connection: 1, body: writer.bytes() }]);
  });
  for (const command of proposed) expect(command).toMatchObject({ type: 'txn', id });
  return bodies;
}

const txn = (number: number): ClientRequest => ({
  number,
  type: 'txn',
  command: encodeCommand({ type: 'txn', id, compare: [], success: [], failure: [] }),
});

describe('the port of clients', () => {
  it('proposes under the identity that a command has, and answers a turn in one body', async () => {
    const bodies = await answersTo([txn(1), { number: 2, type: 'get', key: '/absent' }]);
    expect(bodies).toEqual([
      expect.arrayContaining([
        { number: 1, type: 'done', succeeded: true, revision: 7 },
        expect.objectContaining({ number: 2, type: 'value', modRevision: 0 }),
      ]),
    ]);
  });

  it('lets nothing into the log that replicas could not apply, nor what clients have no business with', async () => {
    const others = encodeCommand({ type: 'alarm', id, action: 'disarm', alarm: 'noSpace', member: 0 });
    const [answers] = await answersTo([
      { number: 1, type: 'txn', command: Buffer.from([250, 1, 2]) },
      { number: 2, type: 'txn', command: others },
    ]);
    expect(answers).toEqual([
      expect.objectContaining({ number: 1, type: 'error', code: 'BadRequest' }),
      { number: 2, type: 'error', code: 'BadRequest', message: 'clients write by transactions' },
    ]);
  });

  it('says when the state machine has refused a write', async () => {
    const refused = { ...done, succeeded: false };
    const [expired] = await answersTo([txn(1)], { ...refused, refused: 'sessionExpired' });
    expect(expired).toEqual([expect.objectContaining({ type: 'error', code: 'SessionExpired' })]);
    const [answers] = await answersTo([txn(1)], { ...refused, refused: 'leaseNotFound' });
    expect(answers).toEqual([
      expect.objectContaining({ type: 'error', message: expect.stringContaining('leaseNotFound') }),
    ]);
  });
});
