import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asMemberId, configurationOfVoters } from '#libs/raft';
import { ByteReader, ByteWriter } from '../bytes.js';
import {
  planChange,
  readChangeOutcome,
  readMemberChange,
  writeChangeOutcome,
  writeMemberChange,
} from './member-change.js';
import type { ChangeOutcome, MemberChange } from './member-change.js';
import { directoryOf, initialConfiguration, membersIn, wasRemoved } from './member-directory.js';

const address = (id: number) => ({ id, name: `m${id}`, host: '10.0.0.1', port: 7000 + id });
const three = initialConfiguration([address(3), address(1), { ...address(2), observer: true }]);

describe('the member directory', () => {
  it('is the same bytes for the same members, in whatever order they were given', () => {
    expect(initialConfiguration([{ ...address(2), observer: true }, address(1), address(3)])).toEqual(three);
    expect(membersIn(three, []).map(({ id, role }) => [id, role])).toEqual([
      [1, 'voter'],
      [2, 'observer'],
      [3, 'voter'],
    ]);
  });

  it('goes after the addresses that this process was started with, but only for the same member', () => {
    const moved = { ...address(1), host: '10.9.9.9' };
    const other = { ...address(3), name: 'another', host: '10.9.9.9' };
    const hosts = membersIn(three, [moved, other]).map(({ host }) => host);
    expect(hosts).toEqual(['10.9.9.9', '10.0.0.1', '10.0.0.1']);
    expect(membersIn(configurationOfVoters([]), [moved])).toEqual([{ ...moved, role: 'voter' }]);
  });

  it('never gives an id twice, and tells a removed member from one that it has not heard of', () => {
    const without = planChange(three, { type: 'remove', id: 3 });
    const context = 'context' in without ? without.context : new Uint8Array(0);
    const configuration = { ...configurationOfVoters([asMemberId(1)], context) };
    expect(
      planChange(configuration, { type: 'add', role: 'learner', name: '', host: 'h', port: 1 }),
    ).toMatchObject({
      id: 4,
    });
    expect([3, 4].map((id) => wasRemoved(configuration, id))).toEqual([true, false]);
    expect(directoryOf(configuration).nextId).toBe(4);
  });
});

describe('changes', () => {
  it('are refused where a name or an address is taken, or the member is unknown', () => {
    const add = { type: 'add', role: 'learner', name: 'm9', host: '10.0.0.1', port: 7009 } as const;
    expect(planChange(three, add)).toMatchObject({ id: 4, changes: [{ type: 'addLearner', id: 4 }] });
    expect(planChange(three, { ...add, name: 'm3' })).toEqual({ refused: 'nameTaken' });
    expect(planChange(three, { ...add, port: 7003 })).toEqual({ refused: 'addressTaken' });
    expect(planChange(three, { type: 'promote', id: 9 })).toEqual({ refused: 'unknownMember' });
    expect(planChange(three, { type: 'update', id: 1, host: '10.0.0.1', port: 7003 })).toEqual({
      refused: 'addressTaken',
    });
  });

  it('and what became of them cross to another server as they are; other bytes are refused', () => {
    const changes: MemberChange[] = [
      { type: 'add', role: 'observer', name: 'm9', host: '::1', port: 65_535 },
      { type: 'promote', id: 2 ** 52 },
      { type: 'remove', id: 1 },
      { type: 'update', id: 7, host: 'there', port: 1 },
    ];
    for (const change of changes) {
      const writer = new ByteWriter();
      writeMemberChange(writer, change);
      expect(readMemberChange(new ByteReader(writer.bytes()))).toEqual(change);
    }
    const outcomes: ChangeOutcome[] = [{ index: 7, term: 3, id: 4 }, { refused: 'laggard' }];
    for (const outcome of outcomes) {
      const writer = new ByteWriter();
      writeChangeOutcome(writer, outcome);
      expect(readChangeOutcome(new ByteReader(writer.bytes()))).toEqual(outcome);
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
        const first = bytes[0] as number;
        fc.pre(first > 3);
        expect(() => readMemberChange(new ByteReader(Buffer.from(bytes)))).toThrow(/unknown type/);
      }),
    );
  });
});
