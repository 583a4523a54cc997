import { ByteReader, MalformedBytesError } from '../bytes.js';
import type { ByteWriter } from '../bytes.js';

/** What a client of the peer port asks. `number` is its own, to tell answers apart. */
export type ClientRequest =
  /** `command` is an encoded command of mvcc with the client's session in its id. */
  | { readonly number: number; readonly type: 'txn'; readonly command: Uint8Array }
  | { readonly number: number; readonly type: 'get'; readonly key: string };

export type ClientAnswer =
  | { readonly number: number; readonly type: 'done'; readonly succeeded: boolean; readonly revision: number }
  /** `modRevision` 0: there is no such key. */
  | {
      readonly number: number;
      readonly type: 'value';
      readonly modRevision: number;
      readonly value: Uint8Array;
    }
  | { readonly number: number; readonly type: 'error'; readonly code: string; readonly message: string };

/** Code of an error: the command was certainly not applied, and its session takes no more. */
export const sessionExpired = 'SessionExpired';

const requestTypes = ['txn', 'get'] as const;
const answerTypes = ['done', 'value', 'error'] as const;

function typeOf<Type extends string>(types: readonly Type[], at: number): Type {
  const type = types[at];
  if (type === undefined) throw new MalformedBytesError(`there is no type ${at}`);
  return type;
}

export function writeRequests(writer: ByteWriter, requests: readonly ClientRequest[]): void {
  for (const request of requests) {
    writer.u64(request.number);
    writer.u8(requestTypes.indexOf(request.type));
    if (request.type === 'get') writer.text(request.key);
    else {
      writer.u32(request.command.length);
      writer.raw(request.command);
    }
  }
}

/** Commands are views of the body. Throws MalformedBytesError. */
export function readRequests(body: Buffer): ClientRequest[] {
  const reader = new ByteReader(body);
  const requests: ClientRequest[] = [];
  while (reader.remaining > 0) {
    const number = reader.u64();
    const type = typeOf(requestTypes, reader.u8());
    if (type === 'txn') requests.push({ number, type, command: reader.raw(reader.u32()) });
    else requests.push({ number, type, key: reader.text() });
  }
  return requests;
}

export function writeAnswers(writer: ByteWriter, answers: readonly ClientAnswer[]): void {
  for (const answer of answers) {
    writer.u64(answer.number);
    writer.u8(answerTypes.indexOf(answer.type));
    if (answer.type === 'done') {
      writer.u8(answer.succeeded ? 1 : 0);
      writer.u64(answer.revision);
    } else if (answer.type === 'value') {
      writer.u64(answer.modRevision);
      writer.u32(answer.value.length);
      writer.raw(answer.value);
    } else {
      writer.text(answer.code);
      writer.text(answer.message);
    }
  }
}

/** Values are views of the body. Throws MalformedBytesError. */
export function readAnswers(body: Buffer): ClientAnswer[] {
  const reader = new ByteReader(body);
  const answers: ClientAnswer[] = [];
  while (reader.remaining > 0) {
    const number = reader.u64();
    const type = typeOf(answerTypes, reader.u8());
    if (type === 'done') answers.push({ number, type, succeeded: reader.u8() === 1, revision: reader.u64() });
    else if (type === 'value')
      answers.push({ number, type, modRevision: reader.u64(), value: reader.raw(reader.u32()) });
    else answers.push({ number, type, code: reader.text(), message: reader.text() });
  }
  return answers;
}
