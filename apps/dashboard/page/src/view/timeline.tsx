import type { FaultNote } from '../../../protocol.js';
import type { Chronicle, Reign } from '../model/chronicle.js';
import { type Gap, gapMs, type History, type LaneState, type Point } from '../model/history.js';
import { clock } from './format.js';
import { labels } from './ring.js';
import { useWidth } from './use-width.js';

export const windowMs = 120_000;
const labelWidth = 76;
const laneHeight = 24;
const top = 44;

interface Props {
  readonly history: History;
  readonly chronicle: Chronicle;
  readonly members: readonly string[];
  readonly now: number;
}

/** Who led when, what was done to whom, and where this page could not look. */
export function Timeline({ history, chronicle, members, now }: Props) {
  const { ref, width } = useWidth<HTMLDivElement>();
  const plot = Math.max(0, width - labelWidth - 4);
  const x = (at: number): number => labelWidth + Math.min(1, Math.max(0, 1 - (now - at) / windowMs)) * plot;
  const seen = (at: number): boolean => at > now - windowMs;
  const height = top + members.length * laneHeight + 22;
  const reigns = chronicle.reigns.filter(({ at }) => seen(at));
  const faults = chronicle.faults.filter((fault, _, all) => seen(fault.at) && !followsOrder(fault, all));
  const labelled = withRoom(reigns, x);
  return (
    <div ref={ref} class="timeline">
      {width > 0 && (
        <svg
          width={width}
          height={height}
          role="img"
          aria-label="Roles, terms and faults of the last two minutes"
        >
          <defs>
            <pattern
              id="hatch"
              width="6"
              height="6"
              patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)"
            >
              <line class="hatch" x1="0" y1="0" x2="0" y2="6" />
            </pattern>
          </defs>
          {members.map((name, i) => (
            <g key={name} transform={`translate(0 ${top + i * laneHeight})`}>
              <text class="lane-name" x="0" y="15">
                {name}
              </text>
              {segments(history.points, name, now).map(({ from, to, state }) => (
                <rect
                  key={from}
                  class={`lane lane-${state}`}
                  x={x(from)}
                  y="3"
                  width={Math.max(1, x(to) - x(from))}
                  height={laneHeight - 7}
                />
              ))}
            </g>
          ))}
          {history.gaps.filter(({ to }) => seen(to)).map((gap) => gapMark(gap, x, height))}
          {reigns.map(({ term, leader, at }) => (
            <g key={term} class="reign" transform={`translate(${x(at)} 0)`}>
              <line y1="16" y2={top + members.length * laneHeight} />
              {labelled.has(term) && (
                <text
                  class={x(at) > width - reignLabelWidth ? 'end' : ''}
                  x={x(at) > width - reignLabelWidth ? -4 : 4}
                  y="12"
                >
                  {`term ${term} · ${leader}`}
                </text>
              )}
            </g>
          ))}
          {faults.map((fault) => faultMark(fault, x(fault.at), members))}
          {ticks(now).map(({ at, text }) => (
            <text key={at} class="tick" x={x(at)} y={height - 6}>
              {text}
            </text>
          ))}
        </svg>
      )}
      <ul class="legend" aria-hidden="true">
        {(['leader', 'follower', 'paused', 'silent'] as const).map((state) => (
          <li key={state}>
            <svg class="swatch-lane" viewBox="0 0 22 10">
              <rect class={`lane lane-${state}`} width="22" height="10" />
            </svg>
            {labels[state]}
          </li>
        ))}
        <li>
          <svg class="swatch-lane" viewBox="0 0 22 10">
            <rect class="gap" width="22" height="10" />
          </svg>
          not seen by this page
        </li>
      </ul>
    </div>
  );
}

const reignLabelWidth = 118;

/** Terms whose label has room, the newest first: the list below has them all. */
function withRoom(reigns: readonly Reign[], x: (at: number) => number): ReadonlySet<number> {
  const shown = new Set<number>();
  let left = Infinity;
  for (const { term, at } of reigns.toReversed()) {
    if (x(at) + reignLabelWidth > left && left !== Infinity) continue;
    shown.add(term);
    // The newest one may stand on the left of its line.
    left = left === Infinity ? x(at) - reignLabelWidth / 2 : x(at);
  }
  return shown;
}

const followsWithinMs = 3_000;

/** A process that ended or started because of an order needs no mark of its own beside the order's. */
function followsOrder({ at, what, master }: FaultNote, all: readonly FaultNote[]): boolean {
  if (what !== 'ended' && what !== 'started') return false;
  return all.some(
    (other) =>
      other.master === master &&
      (other.what === 'kill' || other.what === 'start') &&
      at >= other.at &&
      at - other.at < followsWithinMs,
  );
}

interface Segment {
  readonly from: number;
  to: number;
  readonly state: LaneState;
}

function segments(points: readonly Point[], name: string, now: number): Segment[] {
  const found: Segment[] = [];
  for (const { at, members } of points) {
    const state = members.get(name)?.state;
    if (at < now - windowMs || state === undefined) continue;
    const last = found.at(-1);
    const isSeen = last !== undefined && at - last.to <= gapMs;
    if (isSeen) last.to = at;
    if (!isSeen || last.state !== state) found.push({ from: at, to: at, state });
  }
  return found;
}

function gapMark({ from, to, before, after }: Gap, x: (at: number) => number, height: number) {
  return (
    <rect
      key={from}
      class="gap"
      x={x(from)}
      y={top}
      width={Math.max(2, x(to) - x(from))}
      height={height - top - 20}
    >
      <title>{`${((to - from) / 1_000).toFixed(1)} s without news, from ${before} to ${after}`}</title>
    </rect>
  );
}

const faultGlyphs: Readonly<Record<string, string>> = {
  kill: '✕',
  pause: '❚❚',
  resume: '▶',
  partition: '✂',
  heal: '⟲',
  transfer: '⇄',
  start: '↑',
  started: '↑',
  ended: '↓',
};

function faultMark({ at, what, master }: FaultNote, x: number, members: readonly string[]) {
  const lane = master === undefined ? -1 : members.indexOf(master);
  const y = lane < 0 ? 30 : top + lane * laneHeight + laneHeight / 2 - 0.5;
  return (
    <g key={`${at} ${what} ${master}`} class={`fault fault-${what}`} transform={`translate(${x} ${y})`}>
      <circle r="8" />
      <text y="3.5">{faultGlyphs[what] ?? '!'}</text>
      <title>{`${clock(at)} ${toldFault(what)} ${master ?? ''}`}</title>
    </g>
  );
}

const told: Readonly<Record<string, string>> = {
  kill: 'kill -9',
  pause: 'paused',
  resume: 'resumed',
  partition: 'cut off from its peers:',
  heal: 'partitions healed',
  transfer: 'leadership asked to move to',
  start: 'start ordered:',
  started: 'process started:',
  ended: 'process ended:',
};

export function toldFault(what: string): string {
  return told[what] ?? what;
}

function ticks(now: number): { readonly at: number; readonly text: string }[] {
  return [120, 90, 60, 30, 0].map((seconds) => ({
    at: now - seconds * 1_000,
    text: seconds === 0 ? 'now' : `−${seconds} s`,
  }));
}

/** The same in words, newest first. */
export function Happenings({
  chronicle,
  gaps,
}: {
  readonly chronicle: Chronicle;
  readonly gaps: readonly Gap[];
}) {
  const lines = [
    ...chronicle.reigns.map(({ at, term, leader }) => ({ at, text: `${leader} leads term ${term}` })),
    ...chronicle.losses.map(({ at, term }) => ({ at, text: `no leader known, term ${term}` })),
    ...chronicle.faults.map(({ at, what, master }) => ({ at, text: `${toldFault(what)} ${master ?? ''}` })),
    ...gaps.map(({ from, to, before, after }) => ({
      at: to,
      text: `this page was without news for ${((to - from) / 1_000).toFixed(1)} s; ${
        before === after
          ? `it goes on through ${after}`
          : `${before} fell silent, it goes on through ${after}`
      }`,
    })),
  ]
    .sort((a, b) => b.at - a.at)
    .slice(0, 40);
  return (
    <ol class="happenings" tabIndex={0} aria-label="What happened, newest first">
      {lines.map(({ at, text }) => (
        <li key={`${at} ${text}`}>
          <time>{clock(at)}</time> {text}
        </li>
      ))}
      {lines.length === 0 && <li>nothing yet</li>}
    </ol>
  );
}
