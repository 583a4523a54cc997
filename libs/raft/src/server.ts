import { isVoter } from './configuration.js';
import { Core } from './core.js';
import { campaign, campaignForTransfer, checkQuorum, onLeaderLost } from './election.js';
import { invariant } from './invariant.js';
import { applyConfigurations, proposeConfiguration } from './membership.js';
import { broadcastHeartbeat, requestRead, tickForwardedReads } from './read-index.js';
import { ReadyGate, softStateOf } from './ready.js';
import { advanceCommit, appendProposals, onSnapshotSent, onUnreachable } from './replication.js';
import { stepMessage } from './step.js';
import { abortTransfer, requestTransfer } from './transfer.js';
import {
  asLogIndex,
  noMember,
  type ConfigurationChange,
  type ConfigurationRefusal,
  type LogIndex,
  type MemberId,
  type Message,
  type RaftOptions,
  type RaftServer,
  type RaftStatus,
  type Ready,
  type Refusal,
} from './types.js';

/**
 * A server of the group, as it was when its log was last durable: a follower of the term it had reached.
 *
 * `options.log.initialState().configuration` is the one in force at `options.applied`; later ones are
 * found in the log. Throws RaftInvariantError when log, commit and applied index contradict each other.
 */
export function createRaft(options: RaftOptions): RaftServer {
  checkOptions(options);
  return new Server(options);
}

class Server implements RaftServer {
  private readonly core: Core;
  private readonly gate: ReadyGate;

  constructor(options: RaftOptions) {
    const { hardState, configuration } = options.log.initialState();
    this.core = new Core(options, hardState, configuration);
    this.gate = new ReadyGate(this.core);
  }

  step(message: Message): void {
    if (message.from === this.core.id) return;
    if (message.type === 'propose') this.propose(message.entries.map((entry) => entry.data));
    else stepMessage(this.core, message);
  }

  tick(): void {
    const { core } = this;
    core.electionElapsed += 1;
    if (core.role === 'leader') return tickLeader(core);
    tickForwardedReads(core);
    if (core.hurriedCampaignIn > 0) {
      core.hurriedCampaignIn -= 1;
      if (core.hurriedCampaignIn === 0) return campaign(core);
    }
    if (core.electionElapsed < core.randomizedElectionTimeout) return undefined;
    core.electionElapsed = 0;
    return campaign(core);
  }

  propose(data: readonly Uint8Array[]): { readonly from: LogIndex } | Refusal {
    const { core } = this;
    if (core.role !== 'leader') return { code: 'NotLeader', leader: core.leader };
    if (!isVoter(core.configuration, core.id)) return { code: 'ProposalDropped', reason: 'removed' };
    if (core.transferee !== noMember) return { code: 'ProposalDropped', reason: 'transferring' };
    const from = asLogIndex(core.log.lastIndex + 1);
    if (!appendProposals(core, data)) return { code: 'ProposalDropped', reason: 'uncommittedBytes' };
    return { from };
  }

  proposeConfiguration(
    changes: readonly ConfigurationChange[],
    context: Uint8Array,
  ): { readonly index: LogIndex } | ConfigurationRefusal {
    return proposeConfiguration(this.core, changes, context);
  }

  readIndex(context: number): Refusal | undefined {
    return requestRead(this.core, context);
  }

  transferLeadership(to: MemberId): Refusal | undefined {
    return requestTransfer(this.core, to);
  }

  connectionLost(peer: MemberId): void {
    const { core } = this;
    if (core.role === 'leader') onUnreachable(core, peer);
    else if (core.leader === peer && peer !== noMember) onLeaderLost(core);
  }

  unreachable(peer: MemberId): void {
    onUnreachable(this.core, peer);
  }

  snapshotSent(peer: MemberId, ok: boolean): void {
    onSnapshotSent(this.core, peer, ok);
  }

  ready(): Ready | undefined {
    return this.gate.take();
  }

  appended(sequence: number): void {
    const { core } = this;
    core.log.appended(sequence);
    this.gate.applied(core.log.applied);
    this.gate.release(sequence, (message) => stepMessage(core, message));
    if (core.role === 'leader') advanceCommit(core);
  }

  applied(index: LogIndex): void {
    this.core.log.appliedTo(index);
    this.gate.applied(index);
    applyConfigurations(this.core);
    if (this.core.takeoverDue) campaignForTransfer(this.core);
  }

  status(): RaftStatus {
    const { core } = this;
    return {
      id: core.id,
      softState: softStateOf(core),
      commitIndex: asLogIndex(core.log.committed),
      lastIndex: asLogIndex(core.log.lastIndex),
      appliedIndex: asLogIndex(core.log.applied),
      configuration: core.configuration,
      progress: [...core.progress.values()].map((progress) => progress.describe()),
      transferee: core.transferee,
    };
  }
}

function tickLeader(core: Core): void {
  if (core.electionElapsed >= core.options.electionTicks) {
    core.electionElapsed = 0;
    abortTransfer(core);
    checkQuorum(core);
    if (core.role !== 'leader') return;
  }
  core.heartbeatElapsed += 1;
  if (core.heartbeatElapsed < core.options.heartbeatTicks) return;
  core.heartbeatElapsed = 0;
  broadcastHeartbeat(core);
}

function checkOptions(options: RaftOptions): void {
  invariant(Number.isSafeInteger(options.id) && options.id > 0, 'id must be a positive safe integer');
  invariant(options.heartbeatTicks > 0, 'heartbeatTicks must be positive');
  invariant(options.electionTicks > options.heartbeatTicks, 'electionTicks must exceed heartbeatTicks');
  for (const name of [
    'maxBytesPerMessage',
    'maxInflightMessages',
    'maxInflightBytes',
    'maxUncommittedBytes',
  ] as const) {
    invariant(options[name] > 0, `${name} must be positive`);
  }
}
