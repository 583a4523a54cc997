export * from './to-table.js';
export { humanDuration } from './duration.js';
