import { canonicalQuantity as canonicalText } from '../quantity/index.js';

/** Quantities that are canonical as they stand: most of those that people write. */
const plain = /^(?:0|[1-9]\d{0,2}(?:m|Ki|Mi|Gi)?)$/;

/** The form in which Kubernetes writes a quantity: `"0.5"` → `"500m"`, `1` → `"1"`. Throws an Error with Go's words. */
export function canonicalQuantity(value: string | number): string {
  const text = typeof value === 'number' ? String(value) : value.trim();
  return plain.test(text) ? text : canonicalText(text);
}
