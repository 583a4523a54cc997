/** The three ways a quantity is written: 1500m, 2Gi, 12e6. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/**
 * An exact amount, in units of 10⁻⁹ (the finest that Kubernetes keeps), and the form it prefers to be written in.
 * Values are immutable.
 */
export interface Quantity {
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

const formatWrong =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixWrong = "unable to parse quantity's suffix";

/** Characters of a quantity at most: longer texts cannot be an amount that fits, only an attack on BigInt. */
const textLengthMax = 256;
/** Decimal digits that an int64 always holds; up to here Kubernetes keeps an amount uncapped. */
const int64DigitsMax = 18;
const nanoDigits = 9;
const int64MaxNano = (2n ** 63n - 1n) * 10n ** 9n;

interface Suffix {
  readonly base: 2 | 10;
  readonly exponent: number;
  readonly format: QuantityFormat;
}

const suffixes: ReadonlyMap<string, Suffix> = new Map<string, Suffix>([
  ...['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((text, index): [string, Suffix] => [
    text,
    { base: 2, exponent: (index + 1) * 10, format: 'BinarySI' },
  ]),
  ...['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'].map((text, index): [string, Suffix] => [
    text,
    { base: 10, exponent: index * 3 - nanoDigits, format: 'DecimalSI' },
  ]),
]);

/**
 * Reads a resource.Quantity. Amounts finer than 10⁻⁹ are rounded away from zero, amounts beyond int64 are capped,
 * both as Kubernetes does (k8s.io/apimachinery/pkg/api/resource). Throws QuantityError with Kubernetes' texts.
 */
export function parseQuantity(text: string): Quantity {
  const { negative, integer, fraction, suffix } = split(text);
  const { base, exponent, format } = parseSuffix(suffix);
  const digits = integer + fraction;
  const magnitude = BigInt(digits === '' ? '0' : digits);
  if (magnitude === 0n) return { nano: 0n, format };
  const nano =
    base === 2
      ? cap(divideUp(magnitude * 2n ** BigInt(exponent) * 10n ** 9n, 10n ** BigInt(fraction.length)))
      : decimalNano(magnitude, digits.length, exponent - fraction.length);
  // Below one, a binary suffix has nothing to say.
  const written = base === 2 && nano < 10n ** 9n ? 'DecimalSI' : format;
  return { nano: negative ? -nano : nano, format: written };
}

function decimalNano(magnitude: bigint, digits: number, exponent: number): bigint {
  const shift = exponent + nanoDigits;
  if (shift < 0) return -shift > digits ? 1n : cap(divideUp(magnitude, 10n ** BigInt(-shift)));
  // The exponent is the caller's: bound it before it becomes a power.
  if (digits + exponent > 2 * int64DigitsMax) return int64MaxNano;
  const nano = magnitude * 10n ** BigInt(shift);
  return digits <= int64DigitsMax ? nano : cap(nano);
}

function cap(nano: bigint): bigint {
  return nano > int64MaxNano ? int64MaxNano : nano;
}

export function divideUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return quotient * divisor === dividend ? quotient : quotient + 1n;
}

function parseSuffix(suffix: string): Suffix {
  const known = suffixes.get(suffix);
  if (known !== undefined) return known;
  const first = suffix[0];
  if (suffix.length > 1 && (first === 'e' || first === 'E')) {
    const exponent = Number(suffix.slice(1));
    if (/^[+-]?[0-9]+$/.test(suffix.slice(1)) && Math.abs(exponent) < 2 ** 31) {
      return { base: 10, exponent, format: 'DecimalExponent' };
    }
  }
  throw new QuantityError(suffixWrong);
}

interface Parts {
  readonly negative: boolean;
  /** Digits before the point, without leading zeros. */
  readonly integer: string;
  readonly fraction: string;
  readonly suffix: string;
}

function split(text: string): Parts {
  if (text === '' || text.length > textLengthMax) throw new QuantityError(formatWrong);
  let at = 0;
  const negative = text[0] === '-';
  if (negative || text[0] === '+') at++;
  while (text[at] === '0') at++;
  const integerStart = at;
  at = skipDigits(text, at);
  const integer = text.slice(integerStart, at);
  let fraction = '';
  if (text[at] === '.') {
    const fractionStart = at + 1;
    at = skipDigits(text, fractionStart);
    fraction = text.slice(fractionStart, at);
  }
  const suffixStart = at;
  while (at < text.length && 'eEinumkKMGTP'.includes(text[at] ?? '')) at++;
  if (text[at] === '+' || text[at] === '-') at++;
  if (skipDigits(text, at) !== text.length) throw new QuantityError(formatWrong);
  return { negative, integer, fraction, suffix: text.slice(suffixStart) };
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at++;
  return at;
}
