import { randomInt } from 'node:crypto';
import { nodeClock } from './clock.js';
import type { Clock } from './clock.js';
import { nodeDisk } from './disk.js';
import type { Disk } from './disk.js';

/** The only source of chance. */
export interface Random {
  /** Uniform in [0, 1). */
  random(): number;
  /** A safe integer, uniform in [min, max). Not to be guessed where the machine's own is used. */
  randomInt(min: number, max: number): number;
}

/**
 * What this room takes from the machine beside its peers: with another one, a whole replica runs in simulated time on a
 * simulated disk (libs/simulation). Every part that needs some of it is handed it; the default is the machine.
 */
export interface Environment {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random: Random;
}

export const nodeEnvironment: Environment = {
  clock: nodeClock,
  disk: nodeDisk,
  random: { random: Math.random, randomInt },
};
