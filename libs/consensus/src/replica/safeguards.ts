import type { AlarmType, CommandResult, Store } from '#libs/mvcc';
import { StorageError } from '../storage.js';
import type { ProposeOptions, Unidentified } from './proposals.js';

export interface SafeguardsOptions {
  readonly memberId: number;
  readonly quotaBytes: number;
  readonly hashCheckMs: number;
  readonly store: () => Store;
  readonly propose: (command: Unidentified, options: ProposeOptions) => Promise<CommandResult>;
  /** Once each time that this replica turns out to differ from the others, after it has stopped serving. */
  readonly onCorrupt: (error: StorageError) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
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
 */
export class Safeguards {
  readonly #options: SafeguardsOptions;
  /** Of commands under way, by what they are about: none is proposed twice at once. */
  readonly #underWay = new Set<string>();
  #lastCheckAt: number;
  #corrupt = false;

  constructor(options: SafeguardsOptions) {
    this.#options = options;
    this.#lastCheckAt = options.now();
    this.#corrupt = this.#alarmed('corrupt', options.memberId);
  }

  /** This replica has been found to differ from the others, and must not answer from its state. */
  get corrupt(): boolean {
    return this.#corrupt;
  }

  /** Throws StorageError Corrupt. */
  checkServing(): void {
    if (this.#corrupt) throw corruptError();
  }

  /** Throws StorageError QuotaExceeded when nothing may be put, and sees to the alarm. */
  checkQuota(): void {
    const { store, quotaBytes, memberId } = this.#options;
    const { sizeBytes } = store();
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

  /** `leadsInTerm` is absent on those that do not lead; `voters` are whose hashes count. */
  keepHouse(leadsInTerm: number | undefined, voters: readonly number[]): void {
    const { store, quotaBytes, memberId, hashCheckMs, now } = this.#options;
    if (this.#alarmed('noSpace', memberId) && store().sizeBytes < quotaBytes * clearedBelow)
      this.#alarm('disarm', 'noSpace');
    const { index, hash, reports } = store().hashCheck;
    if (index > 0 && !reports.has(memberId))
      this.#once('report', { type: 'hashReport', check: index, member: memberId, hash });
    const heardAll = store().hashCheck.voters.every((id) => reports.has(id));
    const pauseMs = heardAll ? hashCheckMs : Math.max(hashCheckMs, reportPatienceMs);
    if (leadsInTerm === undefined || now() - this.#lastCheckAt < pauseMs) return;
    this.#lastCheckAt = now();
    this.#once('check', { type: 'hashCheck', voters }, leadsInTerm);
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
