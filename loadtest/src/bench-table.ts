import { spread } from './stats.js';

export interface Row {
  readonly row: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** One figure a run. */
  readonly trireme: number[];
  readonly peer: number[];
}

const figure = (values: readonly number[]): string => {
  if (values.length === 0) return 'absent';
  const { median, minimum, maximum } = spread(values);
  const text = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
  return `${text(median)} (${text(minimum)}–${text(maximum)})`;
};

/** A Markdown table: medians with minimum and maximum, and Trireme ÷ peer. */
export function formatRows(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const ratio =
      row.trireme.length > 0 && row.peer.length > 0 && spread(row.peer).median > 0
        ? `${(spread(row.trireme).median / spread(row.peer).median).toFixed(2)}×`
        : '–';
    return `| ${row.row} | ${row.unit} | ${figure(row.trireme)} | ${figure(row.peer)} | ${ratio} | ${row.better} is better |`;
  });
  return ['| work | unit | Trireme | peer | ratio | |', '|---|---|---|---|---|---|', ...lines].join('\n');
}
