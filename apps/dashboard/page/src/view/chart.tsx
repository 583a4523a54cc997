import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { Gap } from '../model/history.js';
import type { Look } from './identity.js';
import { Swatch } from './swatch.js';
import { windowMs } from './timeline.js';
import { useWidth } from './use-width.js';

export interface Series {
  readonly label: string;
  readonly look: Look;
  /** A value a point; undefined is drawn as a hole. */
  readonly values: readonly (number | undefined)[];
}

interface Props {
  readonly title: string;
  readonly format: (value: number | undefined) => string;
  /** The values are counts: no marks between whole numbers. */
  readonly isWhole?: boolean;
  /** Of the points, milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly gaps: readonly Gap[];
  readonly now: number;
  /** The colours have changed: the canvas is painted anew. */
  readonly theme: string;
  /** What the numbers are, for those who look twice. */
  readonly note: string;
}

const height = 136;

/** Lines over the last two minutes; the legend holds the newest values, or those under the pointer. */
export function Chart(props: Props) {
  const { title, format, isWhole, times, series, gaps, now, theme, note } = props;
  const { ref: box, width } = useWidth<HTMLDivElement>();
  const plot = useRef<uPlot>(null);
  const [pointed, setPointed] = useState<number>();
  const shape = series.map(({ label }) => label).join('\n');

  useEffect(() => {
    if (box.current === null || width === 0) return undefined;
    const made = new uPlot(
      optionsOf(series, width, axisFormat(format, isWhole === true), setPointed),
      [[], ...series.map(() => [])],
      box.current,
    );
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
    // The canvas holds its colours and sizes: it is made anew when these change, not with each value.
  }, [shape, width, theme]);

  useEffect(() => {
    plot.current?.setData(dataOf(times, series, gaps), false);
    plot.current?.setScale('x', { min: (now - windowMs) / 1_000, max: now / 1_000 });
  });

  const at = pointed === undefined ? times.length - 1 : pointed;
  return (
    <figure class="chart" title={note}>
      <figcaption>
        <h3>{title}</h3>
        <ul class="legend">
          {series.map(({ label, look, values }) => (
            <li key={label}>
              <Swatch look={look} />
              {label} <b>{format(values[at])}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={box} class="plot" />
    </figure>
  );
}

function axisFormat(format: Props['format'], isWhole: boolean): (value: number) => string {
  return (value) => {
    if (value === 0) return '0';
    return isWhole && !Number.isInteger(value) ? '' : format(value);
  };
}

/** With a hole in the middle of each gap, so that no line is drawn over what was not seen. */
function dataOf(
  times: readonly number[],
  series: readonly Series[],
  gaps: readonly Gap[],
): uPlot.AlignedData {
  const holes = gaps.map(({ from, to }) => ({ at: (from + to) / 2, index: -1 }));
  const order = [...times.map((at, index) => ({ at, index })), ...holes].sort((a, b) => a.at - b.at);
  return [
    order.map(({ at }) => at / 1_000),
    ...series.map(({ values }) => order.map(({ index }) => finite(values[index]))),
  ];
}

function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}

function optionsOf(
  series: readonly Series[],
  width: number,
  format: (value: number) => string,
  onPoint: (index: number | undefined) => void,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    padding: [8, 6, 8, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'trireme' } },
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.15 : 1] } },
    axes: [
      { ...axis, show: false },
      { ...axis, size: 58, space: 28, values: (_, values) => values.map((value) => format(value)) },
    ],
    series: [
      {},
      ...series.map(({ look }) => ({
        stroke: colour(look.colour),
        width: 1.75,
        dash: [...look.dash],
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)] },
  };
}
