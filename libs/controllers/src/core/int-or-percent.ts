import type { IntOrString } from '#libs/client';

/** A count, or `NN%` of `total` rounded up or down. Throws on any other text. */
export function scaledValue(value: IntOrString | undefined, total: number, roundUp: boolean): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  const match = /^(\d+)%$/.exec(value);
  if (match === null)
    throw new Error(`invalid value ${JSON.stringify(value)}: neither a count nor a percentage`);
  const exact = (Number(match[1]) * total) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}
