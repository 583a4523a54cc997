import type { Frame, MemberFrame } from '../../../protocol.js';
import { leaderOf, type LaneState, type MemberPoint, type Point } from '../model/history.js';
import { bytes, integer } from './format.js';

const width = 460;
const centre = { x: width / 2, y: 0 };
const radius = { x: 160, y: 112 };
const nodeRadius = 47;

interface Placed {
  readonly member: MemberFrame;
  readonly point: MemberPoint | undefined;
  readonly x: number;
  readonly y: number;
}

/** The members on a ring, who leads, and what is on its way from the leader to each other one. */
export function Ring({ frame, point }: { readonly frame: Frame; readonly point: Point | undefined }) {
  const leader = leaderOf(frame);
  const placed = frame.members.map((member, i): Placed => {
    const angle = -Math.PI / 2 + (2 * Math.PI * i) / frame.members.length;
    return {
      member,
      point: point?.members.get(member.name),
      x: centre.x + radius.x * Math.cos(angle),
      y: centre.y + radius.y * Math.sin(angle),
    };
  });
  // Room for what stands above and below the outermost ones.
  const top = Math.min(...placed.map(({ y }) => y)) - nodeRadius - 42;
  const bottom = Math.max(...placed.map(({ y }) => y)) + nodeRadius + 46;
  const from = placed.find(({ member }) => member.name === leader?.name);
  return (
    <svg class="ring" viewBox={`0 ${top} ${width} ${bottom - top}`} role="img" aria-label={described(placed)}>
      <defs>
        <marker
          id="arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="11"
          markerHeight="11"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path class="arrow" d="M0 0 8 4 0 8Z" />
        </marker>
      </defs>
      {from !== undefined &&
        leader !== undefined &&
        placed
          .filter((to) => to !== from)
          .map((to) => <Link key={to.member.name} from={from} to={to} frame={frame} />)}
      {placed.map((each) => (
        <Node key={each.member.name} placed={each} />
      ))}
    </svg>
  );
}

function Link({ from, to, frame }: { readonly from: Placed; readonly to: Placed; readonly frame: Frame }) {
  const view = leaderOf(frame)?.followers.find(({ name }) => name === to.member.name);
  const sent = from.point?.sentPerSecond.get(to.member.name);
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const at = (distance: number) => ({
    x: from.x + ((to.x - from.x) * distance) / length,
    y: from.y + ((to.y - from.y) * distance) / length,
  });
  const start = at(nodeRadius + 6);
  const end = at(length - nodeRadius - 8);
  const middle = at(length / 2);
  const alive = view?.active === true;
  const line = { x1: start.x, y1: start.y, x2: end.x, y2: end.y };
  const busy = alive && (sent ?? 0) > 0;
  // Faster with more bytes, from a calm three seconds a turn down to a third of one.
  const seconds = Math.max(0.35, 3 - Math.log10(1 + (sent ?? 0)) * 0.5);
  return (
    <g class={alive ? 'link' : 'link link-dead'}>
      <line {...line} marker-end="url(#arrow)" />
      {busy && <line {...line} class="flow" style={{ animationDuration: `${seconds.toFixed(2)}s` }} />}
      <g transform={`translate(${middle.x} ${middle.y})`}>
        <rect class="pill" x="-51" y="-18" width="102" height="36" rx="8" />
        <text class="pill-strong" y="-3">
          {view === undefined
            ? 'unknown'
            : alive
              ? `${integer(view.inflightMessages)} in flight`
              : 'no answer'}
        </text>
        <text class="pill-weak" y="11">
          {view?.state === 'snapshot' ? 'snapshot' : sent === undefined ? '–' : `${bytes(sent)}/s`}
        </text>
      </g>
    </g>
  );
}

function Node({ placed: { member, point, x, y } }: { readonly placed: Placed }) {
  const { observation, process } = member;
  const state = point?.state ?? 'silent';
  const cut = process?.cut !== undefined;
  return (
    <g class={`node node-${state}${cut ? ' node-cut' : ''}`} transform={`translate(${x} ${y})`}>
      {state === 'leader' && <circle class="halo" r={nodeRadius + 6} />}
      <circle class="disc" r={nodeRadius} />
      <text class="node-glyph" y="-20">
        {cut ? glyphs.cut : glyphs[state]}
      </text>
      <text class="node-name" y="-2">
        {member.name}
      </text>
      <text class="node-role" y="14">
        {cut ? 'cut off' : labels[state]}
      </text>
      <text class="node-term" y="29">
        {observation === undefined ? '' : `term ${observation.term}`}
      </text>
      {logLines(member).map((line, i, { length }) => (
        <text
          key={line}
          class="node-log"
          y={y < centre.y ? -nodeRadius - 14 - (length - 1 - i) * 14 : nodeRadius + 20 + i * 14}
        >
          {line}
        </text>
      ))}
    </g>
  );
}

function logLines({ observation, silence }: MemberFrame): string[] {
  if (observation === undefined) return [silence ?? 'no answer'];
  const { lastIndex, commitIndex, appliedIndex } = observation;
  return [`log ${integer(lastIndex)} · commit ${integer(commitIndex)}`, `applied ${integer(appliedIndex)}`];
}

export const labels: Readonly<Record<LaneState, string>> = {
  leader: 'leader',
  follower: 'follower',
  learner: 'learner',
  observer: 'observer',
  paused: 'paused',
  silent: 'no answer',
};

export const glyphs: Readonly<Record<LaneState | 'cut', string>> = {
  leader: '★',
  follower: '●',
  learner: '◐',
  observer: '◌',
  paused: '❚❚',
  silent: '✕',
  cut: '✂',
};

function described(placed: readonly Placed[]): string {
  return placed
    .map(({ member, point }) => {
      const { observation } = member;
      const state = labels[point?.state ?? 'silent'];
      return observation === undefined
        ? `${member.name}: ${state}`
        : `${member.name}: ${state}, term ${observation.term}, log ${observation.lastIndex}, committed ${observation.commitIndex}, applied ${observation.appliedIndex}`;
    })
    .join('; ');
}
