/**
 * Raft as a pure function of its inputs: elections, replication, linearizable reads, leader transfer,
 * snapshot install. It holds no clock, file or socket. Its host feeds it messages, ticks and proposals,
 * and does what each Ready asks for.
 *
 * Sources: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (extended version)",
 * "the paper"; Ongaro's thesis, "the dissertation" (PreVote §9.6, transfer §3.10, ReadIndex §6.4,
 * joint consensus §4.3). The contract is that of etcd-io/raft with asynchronous storage.
 *
 * Walk through a host's loop:
 *
 *     const log = createMemoryLog(configurationOfVoters([1, 2, 3].map(asMemberId)));
 *     const raft = createRaft({ id: asMemberId(1), log, applied: asLogIndex(0), electionTicks: 10, … });
 *
 *     every tick:              raft.tick();               drain();
 *     a peer's message:        raft.step(message);        drain();
 *     a client's write:        raft.propose([bytes]);     drain();   // leader only; several at once share messages
 *     a linearizable read:     raft.readIndex(context);   drain();   // on any server
 *     a change of membership:  raft.proposeConfiguration([{ type: 'addLearner', id }], context); drain();  // leader only
 *     a peer's socket closed:  raft.connectionLost(peer); drain();
 *
 *     function drain() {
 *       for (let ready = raft.ready(); ready !== undefined; ready = raft.ready()) {
 *         send(ready.messages);                 // at once: a leader's appends overlap its own disk write
 *         if (ready.append) write(ready.append); // 1. in order; when durable: raft.appended(sequence); drain()
 *         apply(ready.committed);               // 2. in order; when applied: raft.applied(lastIndex); drain()
 *         answer(ready.readStates);             // 3. each once the state machine holds its index
 *         retryOrFail(ready.droppedReads);
 *       }
 *     }
 *
 * What the host promises:
 * - **Order.** AppendWork is made durable in sequence and `appended` called for each, once, in that order;
 *   several writes may share one fsync. A failed write is never reported: the process ends.
 * - **Durability.** `appended` means that a power cut cannot lose it. Votes and acknowledgements wait for
 *   it inside this library; the host sends whatever a Ready holds without delay and in order.
 * - **Log.** LogReader shows what has been appended, from memory for the recent past; it is asked for
 *   committed entries and for what slow followers need. The log before a snapshot is dropped only once
 *   the snapshot is durable and the log is applied that far.
 * - **Ownership.** Bytes given to `propose` and entries in stepped messages belong to the log from then on;
 *   nobody writes to them again. Nothing is copied.
 * - **Snapshots.** An `installSnapshot` message carries metadata. The sender's host streams the bytes to the
 *   peer, and calls `snapshotSent` when the stream has ended, well or not. The receiver's host
 *   steps the message once it holds all bytes; if they are wanted, the next Ready's `append.snapshot`
 *   names them, and `appended` says that they are durable and in the state machine.
 * - **Membership.** A configuration rules from when the host calls `applied` for its entry. A new server starts with an
 *   empty configuration and log under an id that was never used, after it was added; it learns the rest from its leader.
 * - **Back-pressure.** Proposals are refused beyond `maxUncommittedBytes`, reads beyond `maxWaitingReads`;
 *   committed entries stop being handed out while `maxApplyingBytes` of them are not `applied`.
 *
 * A peer's message never throws. RaftInvariantError is thrown for what cannot happen (a host that breaks this
 * contract, a log that contradicts itself): the replica must then stop.
 */
export * from './types.js';
export { createRaft } from './server.js';
export { createMemoryLog, type MemoryLog } from './memory-log.js';
export { RaftInvariantError } from './invariant.js';
export { maxApplyingBytes, maxCommittedBytesPerReady, maxWaitingReads } from './limits.js';
export {
  configurationOfVoters,
  decodeConfiguration,
  encodeConfiguration,
  isVoter,
  membersOf,
} from './configuration.js';
