import { parseQuantity, type Quantity } from './parse.js';

const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const one = 10n ** 9n;

/**
 * The canonical text: no fraction, no precision lost, the largest exponent that allows both. A binary quantity
 * below 1024, or with a fraction, is written in decimal.
 */
export function formatQuantity(quantity: Quantity): string {
  const { nano, format } = quantity;
  if (nano === 0n) return '0';
  if (format === 'BinarySI' && (nano <= -1024n * one || nano >= 1024n * one) && nano % one === 0n) {
    return formatBinary(nano / one);
  }
  return formatDecimal(nano, format === 'DecimalExponent');
}

/** The canonical text of a quantity's text, as an API server stores it. Throws QuantityError. */
export function canonicalQuantity(text: string): string {
  return isPlainInteger(text) ? text : formatQuantity(parseQuantity(text));
}

/** Most quantities are small integers that end in no zeros, and those are canonical already. */
function isPlainInteger(text: string): boolean {
  if (text.length > 3 || text.length === 0) return false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) return false;
  }
  return text[0] !== '0' || text.length === 1;
}

function formatBinary(amount: bigint): string {
  let rest = amount;
  let power = 0;
  while (power < binarySuffixes.length - 1 && rest % 1024n === 0n) {
    rest /= 1024n;
    power++;
  }
  return `${rest}${binarySuffixes[power]}`;
}

function formatDecimal(nano: bigint, exponential: boolean): string {
  let rest = nano;
  let power = 0;
  const powerMax = exponential ? Number.MAX_SAFE_INTEGER : decimalSuffixes.length - 1;
  while (power < powerMax && rest % 1000n === 0n) {
    rest /= 1000n;
    power++;
  }
  if (!exponential) return `${rest}${decimalSuffixes[power]}`;
  const exponent = power * 3 - 9;
  return exponent === 0 ? `${rest}` : `${rest}e${exponent}`;
}
