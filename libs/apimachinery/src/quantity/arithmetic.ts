import { divideUp, parseQuantity, QuantityError, type Quantity } from './parse.js';

export const zeroQuantity: Quantity = { nano: 0n, format: 'DecimalSI' };

/** Negative when `a` is less than `b`, zero when the amounts are equal, however they are written. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano === b.nano ? 0 : a.nano < b.nano ? -1 : 1;
}

/** The sum, written as the first term is; zero has no way of writing of its own. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano - b.nano, format: a.nano === 0n ? b.format : a.format };
}

/**
 * Whole units, rounded away from zero: bytes of memory, a count. Capped at ±2⁶³−1; exact below 2⁵³.
 * Texts are read without BigInt where they are short, which is nearly always. Throws QuantityError.
 */
export function value(quantity: Quantity | string): number {
  return scaled(quantity, 0);
}

/** Thousandths, rounded away from zero: millicores. Otherwise as `value`. */
export function milliValue(quantity: Quantity | string): number {
  return scaled(quantity, 3);
}

const int64Max = 2n ** 63n - 1n;

function scaled(quantity: Quantity | string, digits: 0 | 3): number {
  if (typeof quantity === 'string') {
    const quick = scaledQuickly(quantity, digits === 0 ? 1 : 1000);
    if (quick !== undefined) return quick;
  }
  const { nano } = typeof quantity === 'string' ? parseQuantity(quantity) : quantity;
  const divisor = 10n ** BigInt(9 - digits);
  const amount = nano < 0n ? -divideUp(-nano, divisor) : divideUp(nano, divisor);
  if (amount > int64Max) return Number(int64Max);
  return amount < -int64Max ? -Number(int64Max) : Number(amount);
}

/** `500m`, `4`, `16Gi`: digits and a usual suffix. Undefined for whatever needs the exact path. */
function scaledQuickly(text: string, scale: 1 | 1000): number | undefined {
  const { length } = text;
  let mantissa = 0;
  let at = 0;
  for (; at < length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) break;
    mantissa = mantissa * 10 + digit;
  }
  if (at === 0 || at > 15) return undefined;
  if (at === length) return exact(mantissa * scale);
  const suffix = text.charCodeAt(at);
  if (at + 1 === length) {
    if (suffix === 109 /* m */) return scale === 1000 ? mantissa : Math.ceil(mantissa / 1000);
    const factor = suffix === 107 ? 1e3 : suffix === 77 ? 1e6 : suffix === 71 ? 1e9 : undefined;
    return factor === undefined ? undefined : exact(mantissa * factor * scale);
  }
  if (at + 2 !== length || text.charCodeAt(at + 1) !== 105 /* i */) return undefined;
  const power = 'KMGT'.indexOf(text[at] ?? ' ');
  return power < 0 ? undefined : exact(mantissa * 1024 ** (power + 1) * scale);
}

function exact(amount: number): number | undefined {
  return Number.isSafeInteger(amount) ? amount : undefined;
}

/** True where the text is a quantity. */
export function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch (error) {
    if (error instanceof QuantityError) return false;
    throw error;
  }
}
