import {
  asMemberId,
  decodeConfiguration,
  type Configuration,
  type ConfigurationChange,
  type Entry,
  type Message,
  type Ready,
} from '../src/index.js';
import { configurationOf, Group } from './group.js';

/**
 * Runs a story: lines that begin with `>` are commands, `#` is prose, indented lines are what the
 * servers did. Returns the story with those lines as they are now.
 */
export function retell(story: string): string {
  const told = new Teller();
  const lines: string[] = [];
  for (const line of story.split('\n')) {
    if (line.startsWith('  ')) continue;
    lines.push(line);
    if (line.startsWith('> ')) lines.push(...told.run(line.slice(2)).map((each) => `  ${each}`));
  }
  return lines.join('\n');
}

class Teller {
  private group = Group.of([1]);
  private seen: string[] = [];

  run(command: string): string[] {
    this.seen = [];
    const [verb = '', ...words] = command.split(' ');
    const handler = this.verbs[verb];
    if (handler === undefined) throw new Error(`unknown command: ${command}`);
    handler(words);
    return this.seen;
  }

  /** `group 1 2 3 learners 4`: these servers, new and quiet. The lower the id, the shorter its election timeout. */
  private start(words: readonly string[]): void {
    const at = words.indexOf('learners');
    const voters = (at < 0 ? words : words.slice(0, at)).map(Number);
    const learners = at < 0 ? [] : words.slice(at + 1).map(Number);
    const configuration = configurationOf(voters, learners);
    this.group = new Group(configuration, [...voters, ...learners], {}, (id, ready) => this.note(id, ready));
  }

  /** `elect 1`: makes it the leader, without a word about how. */
  private elect(id: number): void {
    this.group.elect(id);
    this.seen = this.seen.filter((line) => line.startsWith(`${id} is leader`));
  }

  private readonly verbs: Record<string, (words: readonly string[]) => void> = {
    group: (words) => this.start(words),
    elect: ([id]) => this.elect(Number(id)),
    quietly: (words) => {
      this.run(words.join(' '));
      this.seen = [];
    },
    tick: ([id, times]) => this.group.tick(Number(id), Number(times ?? 1)),
    time: ([ticks]) => this.group.run(Number(ticks)),
    join: ([id]) => this.group.join(Number(id)),
    change: ([on, ...steps]) => this.change(Number(on), steps),
    members: ([id]) => void this.seen.push(describe(this.group.raft(Number(id)).status().configuration)),
    propose: ([id, ...texts]) => this.say(this.group.propose(Number(id), ...texts)),
    read: ([id, context]) => this.say(this.group.raft(Number(id)).readIndex(Number(context))),
    transfer: ([from, to]) =>
      this.say(this.group.raft(Number(from)).transferLeadership(asMemberId(Number(to)))),
    closed: ([id, peer]) => this.group.raft(Number(id)).connectionLost(asMemberId(Number(peer))),
    'snapshot-sent': ([id, peer]) => this.group.raft(Number(id)).snapshotSent(asMemberId(Number(peer)), true),
    compact: ([id]) => void this.group.host(Number(id)).compact(),
    cut: ([from, to]) => this.group.cutLink(Number(from), Number(to)),
    isolate: ([id]) => this.group.isolate(Number(id)),
    heal: () => this.group.heal(),
    kill: ([id]) => this.group.kill(Number(id)),
    restart: ([id]) => this.group.restart(Number(id)),
    'hold-disk': ([id]) => void (this.group.host(Number(id)).diskHeld = true),
    'free-disk': ([id]) => this.freeDisk(Number(id)),
    lose: () => void (this.group.network = []),
    ready: () => this.group.collect(),
    deliver: () => void this.group.deliver(),
    settle: () => this.group.settle(),
    status: ([id]) => this.status(Number(id)),
  };

  /** `change 1 promote 4 remove 2`. */
  private change(on: number, words: readonly string[]): void {
    const steps: [ConfigurationChange['type'], number][] = [];
    for (let i = 0; i < words.length; i += 2)
      steps.push([words[i] as ConfigurationChange['type'], Number(words[i + 1])]);
    this.say(this.group.change(on, ...steps));
  }

  private freeDisk(id: number): void {
    const host = this.group.host(id);
    host.diskHeld = false;
    host.flush();
  }

  private say(answer: object | undefined): void {
    if (answer !== undefined) this.seen.push(`answer ${JSON.stringify(answer)}`);
  }

  private status(id: number): void {
    const { softState, commitIndex, lastIndex, appliedIndex, progress } = this.group.raft(id).status();
    const { role, leader, term } = softState;
    this.seen.push(
      `${id} is ${role}, term ${term}, leader ${leader}, log to ${lastIndex}, commit ${commitIndex}, applied ${appliedIndex}`,
    );
    for (const each of progress) {
      this.seen.push(`  of ${each.id}: ${each.state}, match ${each.matchIndex}, next ${each.nextIndex}`);
    }
  }

  private note(id: number, ready: Ready): void {
    const { softState, append, messages, committed, readStates, droppedReads } = ready;
    if (softState !== undefined) {
      this.seen.push(`${id} is ${softState.role}, term ${softState.term}, leader ${softState.leader}`);
    }
    if (append !== undefined) {
      const parts: string[] = [];
      if (append.snapshot !== undefined)
        parts.push(`snapshot ${at(append.snapshot.index, append.snapshot.term)}`);
      if (append.entries.length > 0) parts.push(list(append.entries));
      const { hardState } = append;
      if (hardState !== undefined)
        parts.push(`term ${hardState.term} vote ${hardState.vote} commit ${hardState.commit}`);
      this.seen.push(`${id} writes #${append.sequence} ${parts.join(', ')}`);
    }
    for (const message of messages) this.seen.push(tell(message));
    if (committed.length > 0) this.seen.push(`${id} applies ${list(committed)}`);
    for (const { context, index } of readStates)
      this.seen.push(`${id} answers read ${context} once it has applied ${index}`);
    for (const context of droppedReads) this.seen.push(`${id} gives up read ${context}`);
  }
}

/** The place of an entry: index@term. */
const at = (index: number, term: number): string => `${index}@${term}`;

function describe(configuration: Configuration): string {
  const { voters, votersOutgoing, learners, observers } = configuration;
  const groups = { voters, outgoing: votersOutgoing, learners, observers };
  return Object.entries(groups)
    .filter(([, ids]) => ids.length > 0)
    .map(([name, ids]) => `${name} ${ids.join(' ')}`)
    .join(', ');
}

function list(entries: readonly Entry[]): string {
  const texts = entries.map(({ index, term, type, data }) => {
    const text = type === 'normal' ? new TextDecoder().decode(data) : describe(decodeConfiguration(data));
    return `${at(index, term)} "${text}"`;
  });
  return `[${texts.join(', ')}]`;
}

function tell(message: Message): string {
  return `${message.from} -> ${message.to} ${message.type} ${details(message)}`.trimEnd();
}

function details(m: Message): string {
  const context = m.context === 0 ? '' : ` round ${m.context}`;
  switch (m.type) {
    case 'preVote':
    case 'requestVote':
      return `term ${m.term} log ${at(m.logIndex, m.logTerm)}${m.transfer ? ' transfer' : ''}`;
    case 'preVoteResponse':
    case 'requestVoteResponse':
      return `term ${m.term} ${m.reject ? 'no' : 'yes'}`;
    case 'appendEntries':
      return `term ${m.term} after ${at(m.logIndex, m.logTerm)} commit ${m.commit} ${list(m.entries)}`;
    case 'appendEntriesResponse':
      return m.reject
        ? `term ${m.term} refused after ${m.logIndex}, try ${at(m.rejectHint, m.logTerm)}`
        : `term ${m.term} match ${m.logIndex}`;
    case 'heartbeat':
      return `term ${m.term} commit ${m.commit}${context}`;
    case 'heartbeatResponse':
      return `term ${m.term}${context}`;
    case 'installSnapshot':
      return `term ${m.term} ${at(m.snapshot?.index ?? 0, m.snapshot?.term ?? 0)}`;
    case 'readIndex':
      return `request ${m.context}`;
    case 'readIndexResponse':
      return `request ${m.context} ${m.reject ? 'refused' : `index ${m.logIndex}`}`;
    default:
      return `term ${m.term}`;
  }
}
