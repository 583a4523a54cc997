import type { Entry } from '#libs/raft';
import type { ForwardedProposal } from '../transport/forward-codec.js';
import { committedColumns, proposeColumns } from './protocol.js';
import type { CommittedBatch, CommittedConfiguration, ProposeBatch } from './protocol.js';

/** Entries for the main thread, copied once: its buffers are transferred, while the log keeps its own. `times` as EntryTimes.take gives them. */
export function packCommitted(entries: readonly Entry[], times: Float64Array | undefined): CommittedBatch {
  const table = new Float64Array(entries.length * committedColumns);
  let total = 0;
  for (const entry of entries) if (entry.type === 'normal') total += entry.data.length;
  const bytes = new Uint8Array(total);
  let at = 0;
  let row = 0;
  for (const entry of entries) {
    const length = entry.type === 'normal' ? entry.data.length : 0;
    table[row++] = entry.term;
    table[row++] = length;
    if (length > 0) bytes.set(entry.data, at);
    at += length;
  }
  const configurations: CommittedConfiguration[] = [];
  for (const { type, index, term, data } of entries)
    if (type === 'configuration') configurations.push({ index, term, data: new Uint8Array(data) });
  const from = entries[0]?.index ?? 0;
  return { kind: 'committed', from, table, data: bytes.buffer, configurations, ...(times && { times }) };
}

/** Views of the batch's bytes. `fenced`: the numbers of those meant for a term in which this server does not lead. */
export function unpackProposals(
  { table, data }: ProposeBatch,
  leadsIn: (term: number) => boolean,
): { readonly taken: readonly ForwardedProposal[]; readonly fenced: readonly number[] } {
  const taken: ForwardedProposal[] = [];
  const fenced: number[] = [];
  let at = 0;
  for (let row = 0; row < table.length; row += proposeColumns) {
    const number = table[row] ?? 0;
    const onlyInTerm = table[row + 1] ?? 0;
    const length = table[row + 2] ?? 0;
    if (onlyInTerm === 0 || leadsIn(onlyInTerm)) taken.push({ number, data: Buffer.from(data, at, length) });
    else fenced.push(number);
    at += length;
  }
  return { taken, fenced };
}
