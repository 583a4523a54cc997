import type { ByteReader, ByteWriter } from './bytes.js';

/** As etcd's: the store is above its quota, or a replica holds something else than the others; and a disk is nearly full. */
export type AlarmType = 'noSpace' | 'corrupt' | 'lowDisk';
/** The place in this list stands for the type in commands and snapshots: new ones go to the end. */
export const alarmTypes: readonly AlarmType[] = ['noSpace', 'corrupt', 'lowDisk'];

export interface Alarm {
  readonly type: AlarmType;
  /** The replica that it is about. */
  readonly member: number;
}

/** Alarms are state, raised and disarmed by commands: every replica has the same ones at the same entry. */
export class Alarms {
  private raised: readonly Alarm[] = [];

  /** Sorted by type, then by member. */
  all(): readonly Alarm[] {
    return this.raised;
  }

  has(type: AlarmType): boolean {
    return this.raised.some((alarm) => alarm.type === type);
  }

  raise(type: AlarmType, member: number): void {
    if (this.raised.some((alarm) => alarm.type === type && alarm.member === member)) return;
    this.raised = [...this.raised, { type, member }].sort(
      (a, b) => alarmTypes.indexOf(a.type) - alarmTypes.indexOf(b.type) || a.member - b.member,
    );
  }

  /** Member 0 stands for all of them. */
  disarm(type: AlarmType, member: number): void {
    this.raised = this.raised.filter(
      (alarm) => alarm.type !== type || (member !== 0 && alarm.member !== member),
    );
  }

  write(writer: ByteWriter): void {
    writer.integer(this.raised.length);
    for (const { type, member } of this.raised) {
      writer.byte(alarmTypes.indexOf(type));
      writer.integer(member);
    }
  }

  static read(reader: ByteReader): Alarms {
    const alarms = new Alarms();
    for (let count = reader.count('alarm count'); count > 0; count--) {
      const type = alarmTypes[reader.byte('alarm type')] ?? reader.fail('unknown alarm type');
      alarms.raise(type, reader.integer('alarm member'));
    }
    return alarms;
  }
}
