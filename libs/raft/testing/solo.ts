import { makeMessage, type MessageFields } from '../src/messages.js';
import {
  asLogIndex,
  asMemberId,
  asTerm,
  createMemoryLog,
  type Configuration,
  type Entry,
  type Message,
  type MessageType,
} from '../src/index.js';
import { configurationOf, Host, type Overrides } from './group.js';

/** A message as a peer would send it. */
export function message(
  type: MessageType,
  from: number,
  to: number,
  term: number,
  fields: MessageFields = {},
): Message {
  return makeMessage(type, asMemberId(from), asMemberId(to), asTerm(term), fields);
}

/** Entries from `first` on, one for each term given. */
export function entriesOf(first: number, ...terms: number[]): Entry[] {
  return terms.map((term, i) => ({
    index: asLogIndex(first + i),
    term: asTerm(term),
    type: 'normal' as const,
    data: new TextEncoder().encode(`${first + i}@${term}`),
  }));
}

export interface SoloOptions {
  /** Terms of the entries in its log, from index 1 on. */
  readonly terms?: readonly number[];
  readonly term?: number;
  readonly vote?: number;
  readonly commit?: number;
  readonly configuration?: Configuration;
  readonly entries?: readonly Entry[];
  readonly overrides?: Overrides;
}

/** Server 1 of a group of three, alone with the test; its log is as given and durable. */
export function solo(options: SoloOptions = {}): Host {
  const log = createMemoryLog(options.configuration ?? configurationOf([1, 2, 3]));
  const entries = options.entries ?? entriesOf(1, ...(options.terms ?? []));
  const hardState = {
    term: asTerm(options.term ?? entries.at(-1)?.term ?? 0),
    vote: asMemberId(options.vote ?? 0),
    commit: asLogIndex(options.commit ?? 0),
  };
  log.append({ sequence: 0, hardState, entries, snapshot: undefined });
  return new Host(asMemberId(1), log, options.overrides ?? {});
}

/** Makes the solo server the leader of its next term, if the votes of `voters` suffice for it. */
export function makeLeader(host: Host, ...voters: number[]): Message[] {
  for (let i = 0; i < 20 && host.raft.status().softState.role === 'follower'; i += 1) host.raft.tick();
  host.drain();
  const term = host.raft.status().softState.term + 1;
  for (const from of voters) host.raft.step(message('preVoteResponse', from, 1, term));
  host.drain();
  if (host.raft.status().softState.role === 'preCandidate') return [];
  for (const from of voters) host.raft.step(message('requestVoteResponse', from, 1, term));
  return host.drain();
}

export const termsOf = (host: Host): number[] => {
  const { lastIndex } = host.raft.status();
  return Array.from({ length: lastIndex }, (_, i) => host.log.term(asLogIndex(i + 1)) ?? -1);
};
