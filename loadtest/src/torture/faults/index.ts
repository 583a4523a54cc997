import { clockFaults } from './clock-faults.js';
import { diskFaults } from './disk-faults.js';
import type { Fault } from './fault.js';
import { memberFaults } from './member-faults.js';
import { networkFaults } from './network-faults.js';
import { processFaults } from './process-faults.js';

/** Every fault there is, in the order of the report. */
export const faults: readonly Fault[] = [
  ...processFaults,
  ...networkFaults,
  ...diskFaults,
  ...clockFaults,
  ...memberFaults,
];
