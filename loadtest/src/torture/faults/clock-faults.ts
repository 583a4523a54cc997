import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './fault.js';

export const clockFaults: readonly Fault[] = [
  {
    name: 'clock-jump',
    does: 'move one master’s wall clock forth and back by minutes and hours, and let it run fast',
    needs: ['clock'],
    holdMs: [0, 500],
    async inject({ cluster, capabilities, random }) {
      const master = random.pick(cluster.masters);
      const file = join(cluster.directory, `${master.name}.clock`);
      writeFileSync(file, '+0\n');
      await cluster.stopMaster(master);
      master.start({
        LD_PRELOAD: capabilities.faketime!,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_CACHE_DURATION: '1',
        // Monotonic clocks do not jump.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      });
      await cluster.healed();
      for (const jump of random.shuffled(['+3m', '-3m', '+2h', '-2h', '+0 x3'])) {
        writeFileSync(file, `${jump}\n`);
        await sleep(random.between(500, 1_500));
      }
      return async () => cluster.stopMaster(master);
    },
  },
];
