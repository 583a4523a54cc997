/** Maps values to 0…1 along an axis, and says where its ticks are. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** From 0 to a round number at or above the greatest value. */
export function linearScale(greatest: number, wanted = 4, from = 0): Scale {
  const span = Math.max(greatest - from, 1e-9);
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
  const top = from + Math.ceil(span / step - 1e-9) * step;
  const ticks = Array.from({ length: Math.round((top - from) / step) + 1 }, (_, i) => from + i * step);
  return { at: (value) => clamp((value - from) / (top - from)), ticks };
}

/** From 0 to exactly the end, with ticks at round numbers. */
export function timeScale(end: number, wanted = 8): Scale {
  const { ticks } = linearScale(end, wanted);
  return { at: (value) => clamp(value / end), ticks: ticks.filter((tick) => tick <= end + 1e-9) };
}

/** Decades around the values; what is not positive lies at the lower end. */
export function logScale(least: number, greatest: number): Scale {
  const low = Math.floor(Math.log10(Math.max(least, 1e-3)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(greatest, 1e-3)) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return {
    at: (value) => clamp((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)),
    ticks,
  };
}

/** Percentiles by the distance from 100 %, so that each further nine takes as much room as the one before. */
export function ninesScale(): Scale {
  const depth = 5;
  return {
    at: (percent) => clamp(-Math.log10(Math.max(1 - percent / 100, 10 ** -depth)) / depth),
    ticks: [0, 90, 99, 99.9, 99.99, 99.999],
  };
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
