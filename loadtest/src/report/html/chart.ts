import type { Scale } from './scale.js';
import { escape } from './text.js';

export interface Line {
  readonly name: string;
  /** One of the page's colours. */
  readonly colour: 'one' | 'two' | 'three' | 'four';
  readonly dashed?: boolean;
  readonly filled?: boolean;
  /** Pairs of x and y; a null y breaks the line. */
  readonly points: readonly (readonly [number, number | null])[];
}

export interface Marker {
  readonly at: number;
  readonly until?: number;
  readonly kind: 'leader' | 'fault' | 'heal';
  readonly label: string;
}

export interface ChartOptions {
  readonly title: string;
  readonly x: Scale;
  readonly y: Scale;
  readonly xText: (value: number) => string;
  readonly yText: (value: number) => string;
  readonly lines: readonly Line[];
  readonly marks?: readonly Marker[];
}

/** Inner units of a plot: it is stretched to its box, so that only its labels keep their size. */
const width = 1_000;
const height = 100;
/** More labels than these would lie over one another. */
const labelledMarks = 14;

/** A line chart that stretches with the page; hovering tells the values (page.ts), and its legend names the lines. */
export function lineChart(options: ChartOptions): string {
  const { x, y, lines, marks = [] } = options;
  const legend = lines.map(
    ({ name, colour, dashed }) =>
      `<span class="key ${colour}${dashed === true ? ' dashed' : ''}">${escape(name)}</span>`,
  );
  const data = JSON.stringify({
    lines: lines.map(({ name, points }) => ({
      name,
      points: points.flatMap(([at, value]) =>
        value === null ? [] : [[round(x.at(at)), options.xText(at), options.yText(value)]],
      ),
    })),
  });
  return (
    `<figure><figcaption>${escape(options.title)}<span class="legend">${legend.join('')}</span></figcaption>` +
    `<div class="chart" data-chart="${escape(data)}">` +
    `<div class="plot"><svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${escape(options.title)}">` +
    grid(y) +
    marks.map((mark) => markShape(mark, x)).join('') +
    lines.map((line) => shape(line, x, y)).join('') +
    `</svg>${markLabels(marks, x)}</div>` +
    ticks(y, options.yText, 'y') +
    ticks(x, options.xText, 'x') +
    `</div></figure>`
  );
}

function grid(y: Scale): string {
  return y.ticks
    .map((tick) => {
      const at = round((1 - y.at(tick)) * height);
      return `<path class="grid" d="M0 ${at}H${width}"/>`;
    })
    .join('');
}

function shape({ points, colour, dashed, filled }: Line, x: Scale, y: Scale): string {
  let path = '';
  let pen: 'up' | 'down' = 'up';
  for (const [at, value] of points) {
    if (value === null) {
      pen = 'up';
      continue;
    }
    path += `${pen === 'up' ? 'M' : 'L'}${round(x.at(at) * width)} ${round((1 - y.at(value)) * height)}`;
    pen = 'down';
  }
  const line = `<path class="line ${colour}${dashed === true ? ' dashed' : ''}" d="${path}"/>`;
  const [first, last] = [points[0], points.at(-1)];
  if (filled !== true || first === undefined || last === undefined) return line;
  const area = `${path}L${round(x.at(last[0]) * width)} ${height}L${round(x.at(first[0]) * width)} ${height}Z`;
  return `<path class="area ${colour}" d="${area}"/>${line}`;
}

function markShape({ at, until, kind }: Marker, x: Scale): string {
  const from = round(x.at(at) * width);
  if (until !== undefined) {
    const to = Math.max(round(x.at(until) * width) - from, 1);
    return `<rect class="band ${kind}" x="${from}" y="0" width="${to}" height="${height}"/>`;
  }
  return `<path class="mark ${kind}" d="M${from} 0V${height}"/>`;
}

function markLabels(marks: readonly Marker[], x: Scale): string {
  if (marks.length > labelledMarks) return '';
  return marks
    .map(({ at, kind, label }, i) => {
      const left = x.at(at) * 100;
      const side = left > 80 ? `right:${round(100 - left)}%` : `left:${round(left)}%`;
      return `<span class="label ${kind}" style="${side};top:${(i % 3) * 1.15}em">${escape(label)}</span>`;
    })
    .join('');
}

function ticks(scale: Scale, text: (value: number) => string, axis: 'x' | 'y'): string {
  const labels = scale.ticks.map((tick) => {
    const at = round(scale.at(tick) * 100);
    return `<span style="${axis === 'x' ? 'left' : 'bottom'}:${at}%">${escape(text(tick))}</span>`;
  });
  return `<div class="axis ${axis}" aria-hidden="true">${labels.join('')}</div>`;
}

export interface Strip {
  readonly name: string;
  readonly colour: Line['colour'];
  readonly values: readonly number[];
}

/** One row a name, one dot a value, over a common axis: the whole distribution of few values. */
export function stripChart(
  title: string,
  strips: readonly Strip[],
  x: Scale,
  text: (value: number) => string,
): string {
  const rows = strips.map(({ name, colour, values }) => {
    const dots = values.map(
      (value) =>
        `<i class="dot ${colour}" style="left:${round(x.at(value) * 100)}%" title="${escape(text(value))}"></i>`,
    );
    return `<div class="strip"><span>${escape(name)}</span><div class="track">${dots.join('')}</div></div>`;
  });
  const labels = x.ticks.map(
    (tick) => `<span style="left:${round(x.at(tick) * 100)}%">${escape(text(tick))}</span>`,
  );
  return (
    `<figure><figcaption>${escape(title)}</figcaption><div class="strips">${rows.join('')}` +
    `<div class="strip"><span></span><div class="track scale">${labels.join('')}</div></div></div></figure>`
  );
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
