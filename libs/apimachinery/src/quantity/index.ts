/**
 * Amounts of resources: `parseQuantity('1.5Gi')`, compare, add, and back to the canonical text with `formatQuantity`.
 * Hot paths (scheduling, quotas) ask `milliValue('500m')` and `value('2Gi')` for plain numbers.
 */
export { parseQuantity, QuantityError, type Quantity, type QuantityFormat } from './parse.js';
export { canonicalQuantity, formatQuantity } from './format.js';
export {
  addQuantities,
  compareQuantities,
  isQuantity,
  milliValue,
  subtractQuantities,
  value,
  zeroQuantity,
} from './arithmetic.js';
