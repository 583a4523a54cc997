export * from './decode-object.js';
export { encodeStored, resourceVersionSlotBytes, type StoredBytes } from './encode-stored.js';
export { conform, newFindings, TypeMismatch, type Findings } from './conform.js';
export { duplicateFields, scanJson } from './scan.js';
export { canonicalTime, formatTime, parseTime } from './time.js';
