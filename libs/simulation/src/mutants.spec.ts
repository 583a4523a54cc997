import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mutants } from './mutants.js';

describe('a planted bug', () => {
  it.each(mutants.map((mutant) => [mutant.id, mutant] as const))(
    '%s has its place in the product, exactly once, and changes it',
    (_id, { file, text, replacement }) => {
      const parts = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8').split(text);
      expect(parts).toHaveLength(2);
      expect(replacement).not.toBe(text);
    },
  );

  it('has an id of its own', () => {
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
  });
});
