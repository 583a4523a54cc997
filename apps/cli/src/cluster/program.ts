import { fileURLToPath } from 'node:url';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The command's own entry, to start itself again: a detached supervisor, a master, a node agent. */
export const cliEntry = path('../main.js');
export const masterEntry = path('../../../master/src/main.js');
export const nodeEntry = path('../../../node/src/main.js');
