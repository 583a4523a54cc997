import { ByteReader } from '../bytes.js';
import type { ByteWriter } from '../bytes.js';

/** A proposal on its way to the leader. `number` is the sender's own, to name it in a refusal. */
export interface ForwardedProposal {
  readonly number: number;
  readonly data: Uint8Array;
}

export function writeProposals(writer: ByteWriter, proposals: readonly ForwardedProposal[]): void {
  for (const { number, data } of proposals) {
    writer.u64(number);
    writer.u32(data.length);
    writer.raw(data);
  }
}

/** Data are views of the body. */
export function readProposals(body: Buffer): ForwardedProposal[] {
  const reader = new ByteReader(body);
  const proposals: ForwardedProposal[] = [];
  while (reader.remaining > 0) proposals.push({ number: reader.u64(), data: reader.raw(reader.u32()) });
  return proposals;
}

export function writeNumbers(writer: ByteWriter, numbers: readonly number[]): void {
  for (const number of numbers) writer.u64(number);
}

export function readNumbers(body: Buffer): number[] {
  const reader = new ByteReader(body);
  const numbers: number[] = [];
  while (reader.remaining > 0) numbers.push(reader.u64());
  return numbers;
}
