import { readU64, writeU64 } from '../bytes.js';

/**
 * What a log entry holds: session and number of the proposal, then the command. The replica that proposed
 * finds its waiting caller by the first 16 bytes, without decoding commands.
 */
export const envelopeBytes = 16;

export function writeEnvelope(
  buffer: Buffer,
  at: number,
  session: number,
  number: number,
  command: Uint8Array,
): void {
  writeU64(buffer, session, at);
  writeU64(buffer, number, at + 8);
  buffer.set(command, at + envelopeBytes);
}

export function readEnvelope(entry: Buffer): { readonly session: number; readonly number: number } {
  return { session: readU64(entry, 0), number: readU64(entry, 8) };
}
