// `npm start -- <flags>`: installs and builds what is missing, then hands over to `trireme up <flags>`.
import { ensureReady } from '../scripts/ensure-ready.mjs';

await ensureReady();
process.argv.splice(2, 0, 'up');
await import('./trireme.mjs');
