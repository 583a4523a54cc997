/**
 * The patches of PATCH: JSON patch, JSON merge patch, strategic merge patch (server-side apply has a room of its own). All
 * are pure: `const next = applyMergePatch(live, patch)` leaves both arguments as they were and shares nothing with them.
 */
export { applyJsonPatch } from './json-patch.js';
export { applyMergePatch } from './merge-patch.js';
export { applyStrategicMergePatch } from './strategic-merge-patch.js';
export { cloneJson, equalJson, isJsonObject } from './json-value.js';
