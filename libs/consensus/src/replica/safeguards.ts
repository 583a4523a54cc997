import type { AlarmType, Store } from '#libs/mvcc';
import type { Environment } from '../environment/environment.js';
import { StorageError } from '../storage.js';
import { DiskSpace } from './disk-space.js';
import type { Propose, Unidentified } from './proposals.js';

export interface SafeguardsOptions {
  readonly memberId: number;
  readonly quotaBytes: number;
  readonly hashCheckMs: number;
  readonly environment: Environment;
  /** Of the log: what is looked at for room. */
  readonly directory: string;
  readonly diskReserveBytes: number;
  readonly onWarning: (message: string) => void;
  readonly voters: () => readonly number[];
  readonly store: () => Store;
  readonly propose: Propose;
  /** Once each time that this replica turns out to differ from the others, after it has stopped serving. */
  readonly onCorrupt: (error: StorageError) => void;
}

const timeoutMs = 10_000;
/** A check is given up for the next one only after so long: a member that is slow may be the one that decides it. */
const reportPatienceMs = 5_000;
/** The alarm ends by itself below this part of the quota: at the quota itself it would come and go. */
const clearedBelow = 0.9;

/**
 * What keeps a replica from harm, by alarms that are replicated state. Above the quota a put is refused here and the alarm
 * `noSpace` is raised: from then on the state machine itself refuses puts, on every replica alike. And the leader has all
 * replicas compare their running hashes now and then: one for which the alarm `corrupt` was raised does not serve.
 *
 * A disk that is nearly full raises `lowDisk` for its replica. One such disk is no reason to refuse anybody: the others are
 * a quorum, and lead. Where most voters' are, puts are refused, so that what is left is there for deletes and compaction.
 */
export class Safeguards {
  readonly #options: SafeguardsOptions;
  /** Of commands under way, by what they are about: none is proposed twice at once. */
  readonly #underWay = new Set<string>();
  readonly #diskSpace: DiskSpace;
  #lastCheckAt: number;
  #corrupt = false;

  constructor(options: SafeguardsOptions) {
    this.#options = options;
    this.#lastCheckAt = options.environment.clock.now();
    this.#diskSpace = new DiskSpace({
      ...options,
      ...options.environment,
      reserveBytes: () => options.diskReserveBytes + options.store().sizeBytes,
    });
    this.#corrupt = this.#alarmed('corrupt', options.memberId);
  }

  /** This replica has been found to differ from the others, and must not answer from its state. */
  get corrupt(): boolean {
    return this.#corrupt;
  }

  /** Room left where the log is, as last seen; undefined where it cannot be told. */
  get diskFreeBytes(): number | undefined {
    return this.#diskSpace.freeBytes;
  }

  /** Throws StorageError Corrupt. */
  checkServing(): void {
    if (this.#corrupt) throw corruptError();
  }

  /** Throws StorageError Corrupt, or QuotaExceeded for what may put something. */
  checkWrite(mayPut: boolean): void {
    this.checkServing();
    if (mayPut) this.checkQuota();
  }

  /** Throws StorageError QuotaExceeded when nothing may be put, and sees to the alarm. */
  checkQuota(): void {
    const { store, quotaBytes, memberId, voters } = this.#options;
    const { sizeBytes } = store();
    const low = voters().filter((id) => this.#alarmed('lowDisk', id)).length;
    if (low > voters().length / 2) throw quotaError(`the disks of ${low} masters are nearly full`);
    if (sizeBytes >= quotaBytes) {
      if (!this.#alarmed('noSpace', memberId)) this.#alarm('raise', 'noSpace');
    } else if (
      !store()
        .alarms()
        .some(({ type }) => type === 'noSpace')
    )
      return;
    throw quotaError(`the store holds ${sizeBytes} bytes, its quota is ${quotaBytes}`);
  }

  /** A batch was applied, or a snapshot installed. */
  applied(): void {
    const corrupt = this.#alarmed('corrupt', this.#options.memberId);
    if (corrupt === this.#corrupt) return;
    this.#corrupt = corrupt;
    if (corrupt) this.#options.onCorrupt(corruptError());
  }

  /** `leadsInTerm` is absent on those that do not lead. */
  keepHouse(leadsInTerm: number | undefined): void {
    const { store, quotaBytes, memberId, hashCheckMs, environment, voters } = this.#options;
    const now = environment.clock.now();
    this.#diskSpace.look();
    const { low } = this.#diskSpace;
    if (low !== this.#alarmed('lowDisk', memberId)) this.#alarm(low ? 'raise' : 'disarm', 'lowDisk');
    if (this.#alarmed('noSpace', memberId) && store().sizeBytes < quotaBytes * clearedBelow)
      this.#alarm('disarm', 'noSpace');
    const { index, hash, reports } = store().hashCheck;
    if (index > 0 && !reports.has(memberId))
      this.#once('report', { type: 'hashReport', check: index, member: memberId, hash });
    const heardAll = store().hashCheck.voters.every((id) => reports.has(id));
    const pauseMs = heardAll ? hashCheckMs : Math.max(hashCheckMs, reportPatienceMs);
    if (leadsInTerm === undefined || now - this.#lastCheckAt < pauseMs) return;
    this.#lastCheckAt = now;
    this.#once('check', { type: 'hashCheck', voters: voters() }, leadsInTerm);
  }

  /** Who should lead instead of this replica, 0 for whoever holds most of the log; undefined where it may go on. */
  successor(): number | undefined {
    const { memberId, voters } = this.#options;
    if (this.#corrupt) return 0;
    if (!this.#alarmed('lowDisk', memberId)) return undefined;
    return voters().find((id) => id !== memberId && !this.#alarmed('lowDisk', id));
  }

  async disarm(type: AlarmType, member: number): Promise<void> {
    await this.#options.propose({ type: 'alarm', action: 'disarm', alarm: type, member }, { timeoutMs });
  }

  #alarmed(type: AlarmType, member: number): boolean {
    return this.#options
      .store()
      .alarms()
      .some((alarm) => alarm.type === type && alarm.member === member);
  }

  #alarm(action: 'raise' | 'disarm', alarm: AlarmType): void {
    this.#once(alarm, { type: 'alarm', action, alarm, member: this.#options.memberId });
  }

  #once(what: string, command: Unidentified, onlyInTerm?: number): void {
    if (this.#underWay.has(what)) return;
    this.#underWay.add(what);
    // One that fails is proposed anew as long as its reason holds.
    const done = (): void => void this.#underWay.delete(what);
    const options = onlyInTerm === undefined ? { timeoutMs } : { timeoutMs, onlyInTerm };
    this.#options.propose(command, options).then(done, done);
  }
}

function corruptError(): StorageError {
  return new StorageError(
    'Corrupt',
    'the data of this master differs from that of the others: it does not serve. Keep its data directory for inspection and replace this member; `trireme alarm list` shows whom it concerns',
  );
}

export function quotaError(why: string): StorageError {
  return new StorageError(
    'QuotaExceeded',
    `${why}: only reads and deletes are taken until the alarm is cleared. Delete objects or raise the quota, then see \`trireme alarm list\``,
  );
}
