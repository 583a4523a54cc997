import type { FaultKind, Frame, MemberFrame } from '../../../protocol.js';
import { leaderOf, type MemberPoint, type Point } from '../model/history.js';
import { ago, bytes, integer, milliseconds, unknown } from './format.js';
import { lookOf } from './identity.js';
import { Swatch } from './swatch.js';
import { glyphs, labels } from './ring.js';

interface Props {
  readonly frame: Frame;
  /** Of the last ten seconds, the newest last. */
  readonly points: readonly Point[];
  /** Undefined where faults cannot be done. */
  readonly onFault: ((fault: FaultKind, master: string) => void) | undefined;
}

/** Each master's own numbers, and what can be done to it. */
export function Masters({ frame, points, onFault }: Props) {
  const names = frame.members.map(({ name }) => name);
  const leader = leaderOf(frame)?.name;
  return (
    <table class="masters">
      <caption class="visually-hidden">Masters</caption>
      <thead>
        <tr>
          <th scope="col">Master</th>
          <th scope="col">Role</th>
          <th scope="col" class="number">
            Lag
          </th>
          <th scope="col" class="number">
            fsync p99
          </th>
          <th scope="col" class="number">
            Loop p99
          </th>
          <th scope="col" class="number">
            CPU
          </th>
          <th scope="col" class="number">
            Memory
          </th>
          <th scope="col" class="number">
            Up
          </th>
        </tr>
      </thead>
      {frame.members.map((member) => (
        <tbody key={member.name}>
          <Row
            member={member}
            names={names}
            now={frame.at}
            point={points.at(-1)?.members.get(member.name)}
            fsyncP99Ms={lastFsync(points, member.name)}
          />
          {onFault !== undefined && (
            <tr class="actions-row">
              <td colSpan={8}>
                <Actions member={member} leads={member.name === leader} onFault={onFault} />
              </td>
            </tr>
          )}
        </tbody>
      ))}
    </table>
  );
}

interface RowProps {
  readonly member: MemberFrame;
  readonly names: readonly string[];
  readonly now: number;
  readonly point: MemberPoint | undefined;
  readonly fsyncP99Ms: number | undefined;
}

/** An idle master syncs only now and then. */
function lastFsync(points: readonly Point[], name: string): number | undefined {
  const found = points.findLast(({ members }) => members.get(name)?.fsyncP99Ms !== undefined);
  return found?.members.get(name)?.fsyncP99Ms;
}

function Row({ member, names, now, point, fsyncP99Ms }: RowProps) {
  const { name, observation, process } = member;
  const state = point?.state ?? 'silent';
  const isKnown = observation !== undefined;
  return (
    <tr class={`master master-${state}`}>
      <th scope="row">
        <Swatch look={lookOf(names, name)} />
        {name}
        <small>
          {isKnown ? `pid ${observation.pid}` : process?.pid === undefined ? '' : `pid ${process.pid}`}
        </small>
      </th>
      <td data-label="Role">
        <span class={`badge badge-${state}`}>
          <span aria-hidden="true">{glyphs[state]}</span> {labels[state]}
        </span>
        {process?.cut !== undefined && <span class="badge badge-cut">✂ cut off</span>}
        {isKnown && !observation.ready && <span class="badge badge-warn">not ready</span>}
      </td>
      <td class="number" data-label="Lag">
        {point?.lagEntries === undefined ? unknown : integer(point.lagEntries)}
      </td>
      <td
        class="number"
        data-label="fsync p99"
        title="of the last half second in which there were any, ten seconds back at most"
      >
        {fsyncP99Ms === undefined || !isKnown ? unknown : `≤ ${milliseconds(fsyncP99Ms)}`}
      </td>
      <td class="number" data-label="Loop p99">
        {milliseconds(point?.loopP99Ms)}
      </td>
      <td class="number" data-label="CPU">
        {point?.cpuPercent === undefined ? unknown : `${point.cpuPercent.toFixed(0)} %`}
      </td>
      <td class="number" data-label="Memory">
        {isKnown ? bytes(observation.rssBytes) : unknown}
      </td>
      <td class="number" data-label="Up">
        {isKnown ? ago(observation.startedAt, now) : unknown}
      </td>
    </tr>
  );
}

interface ActionsProps {
  readonly member: MemberFrame;
  readonly leads: boolean;
  readonly onFault: (fault: FaultKind, master: string) => void;
}

function Actions({ member, leads, onFault }: ActionsProps) {
  const { name, observation, process } = member;
  const button = (fault: FaultKind, text: string, isDisabled: boolean) => (
    <button
      type="button"
      disabled={isDisabled}
      aria-label={`${text} ${name}`}
      onClick={() => onFault(fault, name)}
    >
      {text}
    </button>
  );
  const runs = process?.pid !== undefined;
  return (
    <div class="actions" role="group" aria-label={`Faults of ${name}`}>
      {button('kill', 'Kill', !runs)}
      {process?.paused === true ? button('resume', 'Resume', false) : button('pause', 'Pause', !runs)}
      {process?.cut === undefined
        ? button('partition', 'Cut off', observation === undefined)
        : button('heal', 'Heal', false)}
      {button('transfer', 'Make leader', leads || observation === undefined)}
    </div>
  );
}
