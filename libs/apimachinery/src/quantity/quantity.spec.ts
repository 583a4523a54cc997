import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  isQuantity,
  milliValue,
  parseQuantity,
  QuantityError,
  subtractQuantities,
  value,
} from './index.js';

describe('quantities', () => {
  it.each([
    ['0', '0'],
    ['0Gi', '0'],
    ['1000m', '1'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['1.', '1'],
    ['+5', '5'],
    ['-1.5', '-1500m'],
    ['100', '100'],
    ['1000', '1k'],
    ['1500', '1500'],
    ['1024', '1024'],
    ['1024Ki', '1Mi'],
    ['1023', '1023'],
    ['1Ki', '1Ki'],
    ['0.5Ki', '512'],
    ['1.5Gi', '1536Mi'],
    ['1.1Ki', '1126400m'],
    ['0.1Mi', '104857600m'],
    ['12e6', '12e6'],
    ['12E6', '12e6'],
    ['1e3', '1e3'],
    ['1E', '1E'],
    ['100E', '100E'],
    ['1e-3', '1e-3'],
    ['0.0000000001', '1n'],
    ['0.1n', '1n'],
    ['-0.1n', '-1n'],
    ['1e-999999999', '1e-9'],
    ['9223372036854775808', '9223372036854775807'],
    ['99999999999999999999', '9223372036854775807'],
    ['1e999999999', '9223372036854775807'],
    ['16Ei', '9223372036854775807'],
    ['128974848', '128974848'],
    ['129e6', '129e6'],
    ['129M', '129M'],
    ['123Mi', '123Mi'],
  ])('writes %s as %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  it.each([
    '',
    'a',
    '1 ',
    ' 1',
    '1..2',
    '1.2.3',
    '1Mi2x',
    '0x10',
    '1_000',
    '1,5',
    '--1',
    '1e',
    `${'1'.repeat(300)}`,
  ])('refuses %j', (text) => {
    // "1e" has a suffix that is none.
    expect(() => parseQuantity(text)).toThrow(QuantityError);
    expect(isQuantity(text)).toBe(false);
  });

  it('names what is wrong in the words of Kubernetes', () => {
    expect(() => parseQuantity('1x')).toThrow(/must match the regular expression/);
    expect(() => parseQuantity('1mm')).toThrow("unable to parse quantity's suffix");
  });

  it('compares amounts, not texts', () => {
    expect(compareQuantities(parseQuantity('1Gi'), parseQuantity('1024Mi'))).toBe(0);
    expect(compareQuantities(parseQuantity('999m'), parseQuantity('1'))).toBeLessThan(0);
    expect(compareQuantities(parseQuantity('1G'), parseQuantity('1Gi'))).toBeLessThan(0);
  });

  it('adds and subtracts exactly, keeping the first form that is not zero', () => {
    const sum = addQuantities(parseQuantity('1Gi'), parseQuantity('512Mi'));
    expect(formatQuantity(sum)).toBe('1536Mi');
    expect(formatQuantity(addQuantities(parseQuantity('0'), parseQuantity('1Mi')))).toBe('1Mi');
    expect(formatQuantity(subtractQuantities(parseQuantity('0.3'), parseQuantity('100m')))).toBe('200m');
  });

  it('gives whole and thousandth units, rounded up', () => {
    expect(milliValue('500m')).toBe(500);
    expect(milliValue('2')).toBe(2000);
    expect(milliValue('0.1')).toBe(100);
    expect(milliValue('1u')).toBe(1);
    expect(value('1500m')).toBe(2);
    expect(value('-1500m')).toBe(-2);
    expect(value('2Gi')).toBe(2 * 1024 ** 3);
    expect(value(parseQuantity('3k'))).toBe(3000);
    expect(() => value('x')).toThrow(QuantityError);
  });

  it('says the same by the quick and by the exact path', () => {
    const suffix = fc.constantFrom('', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'Ti', 'T', 'u', 'n', 'e2', 'Pi');
    fc.assert(
      fc.property(fc.nat(10_000_000), suffix, (mantissa, unit) => {
        const text = `${mantissa}${unit}`;
        expect(value(text)).toBe(value(parseQuantity(text)));
        expect(milliValue(text)).toBe(milliValue(parseQuantity(text)));
      }),
    );
  });

  it('keeps the amount through its canonical text, which is its own canonical text', () => {
    const text = fc
      .tuple(
        fc.constantFrom('', '-', '+'),
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        fc.constantFrom('', '.5', '.125', '.000000001'),
        fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi', 'e3', 'E-2', 'n'),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (written) => {
        const canonical = canonicalQuantity(written);
        expect(compareQuantities(parseQuantity(canonical), parseQuantity(written))).toBe(0);
        // A binary amount that no binary suffix divides is written without one, and then read as a decimal.
        if (!written.endsWith('i')) expect(canonicalQuantity(canonical)).toBe(canonical);
      }),
    );
  });

  it('answers any text with a quantity or a QuantityError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+0-9.eEinumkKMGTP]{0,30}$/)), (text) => {
        try {
          parseQuantity(text);
        } catch (error) {
          expect(error).toBeInstanceOf(QuantityError);
        }
      }),
    );
  });
});
