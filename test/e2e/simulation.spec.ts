import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

/** What the script prints names every seed that failed, and how to see it again. */
function simulate(...flags: string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('node', ['scripts/simulate.mjs', ...flags], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  const output = stdout + stderr;
  console.log(output.split('\n').slice(-4).join('\n'));
  return { status, output };
}

describe('the simulated group', { timeout: 600_000 }, () => {
  it('keeps every promise under the seeds that are always run', () => {
    const { status, output } = simulate('--seeds', '100', '--events', '20000', '--seed', '1');
    expect(output).toMatch(/100 seeds from 1, .*; 0 failures/);
    expect(output).not.toContain('untested');
    expect(status).toBe(0);
  });

  it('keeps every promise under fresh seeds', () => {
    const { status, output } = simulate('--seeds', '100', '--events', '20000');
    expect(output).toMatch(/100 seeds from \d+, .*; 0 failures/);
    expect(status).toBe(0);
  });

  it('is a net that catches: bugs that show early are found within a few seeds', () => {
    const { status, output } = simulate('--mutant', '2,5b,11,23b,25', '--seeds', '60', '--events', '8000');
    expect(output).toContain('5 of 5 planted bugs found');
    expect(status).toBe(0);
  });
});
