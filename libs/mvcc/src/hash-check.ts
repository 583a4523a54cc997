import type { Alarms } from './alarms.js';
import type { ByteReader, ByteWriter } from './bytes.js';

/** A comparison of all replicas' running hashes as of one entry of the log. */
export interface HashCheckState {
  /** Of the entry that began it; 0 before the first. */
  readonly index: number;
  /** This replica's own hash there. */
  readonly hash: number;
  /** Whose opinions count. */
  readonly voters: readonly number[];
  /** What replicas have said so far, by member. */
  readonly reports: ReadonlyMap<number, number>;
}

/**
 * Compares replicas at an index that the log itself agrees on. A command begins a check: each replica notes its own hash
 * there, and says it by a command of its own. Whoever differs from what a majority of the voters says has the alarm
 * `corrupt` raised, by every replica at the same entry. Where no majority can agree any more, or the next check comes while
 * this one is undecided and opinions differ, nobody knows who is right: the alarm is raised for all that were heard.
 */
export class HashCheck {
  private current: HashCheckState = { index: 0, hash: 0, voters: [], reports: new Map() };

  get state(): HashCheckState {
    return this.current;
  }

  begin(index: number, hash: number, voters: readonly number[], alarms: Alarms): void {
    if (this.majorityHash() === undefined && this.opinions().size > 1) this.raiseForAll(alarms);
    this.current = { index, hash, voters, reports: new Map() };
  }

  /** A report of an earlier check is late and says nothing. */
  report(index: number, member: number, hash: number, alarms: Alarms): void {
    if (index !== this.current.index) return;
    this.current = { ...this.current, reports: new Map(this.current.reports).set(member, hash) };
    const { voters, reports } = this.current;
    const majority = this.majorityHash();
    if (majority !== undefined) {
      for (const [id, said] of reports) if (said !== majority) alarms.raise('corrupt', id);
    } else if (voters.every((id) => reports.has(id))) this.raiseForAll(alarms);
  }

  private raiseForAll(alarms: Alarms): void {
    for (const id of this.current.reports.keys()) alarms.raise('corrupt', id);
  }

  /** How many voters say what. */
  private opinions(): Map<number, number> {
    const opinions = new Map<number, number>();
    for (const id of this.current.voters) {
      const said = this.current.reports.get(id);
      if (said !== undefined) opinions.set(said, (opinions.get(said) ?? 0) + 1);
    }
    return opinions;
  }

  private majorityHash(): number | undefined {
    for (const [hash, count] of this.opinions()) if (count > this.current.voters.length / 2) return hash;
    return undefined;
  }

  write(writer: ByteWriter): void {
    const { index, hash, voters, reports } = this.current;
    writer.integer(index);
    writer.integer(hash);
    writer.integer(voters.length);
    for (const voter of voters) writer.integer(voter);
    writer.integer(reports.size);
    for (const [member, said] of reports) {
      writer.integer(member);
      writer.integer(said);
    }
  }

  static read(reader: ByteReader): HashCheck {
    const check = new HashCheck();
    const index = reader.integer('index of the hash check');
    const hash = reader.integer('hash');
    const voters: number[] = [];
    for (let count = reader.count('voter count'); count > 0; count--) voters.push(reader.integer('voter'));
    const reports = new Map<number, number>();
    for (let count = reader.count('report count'); count > 0; count--) {
      const member = reader.integer('reporting member');
      reports.set(member, reader.integer('reported hash'));
    }
    check.current = { index, hash, voters, reports };
    return check;
  }
}
