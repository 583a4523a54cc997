import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\n')
  .filter((file) => file !== '');
const sources = files.filter((file) => /^(apps|libs|loadtest|test)\/.*\.ts$/.test(file));
const read = (file: string): string => readFileSync(`${root}/${file}`, 'utf8');

/** Data as a module, not code. */
const data = new Set([
  'libs/apimachinery/src/structure/kubernetes-1-36.ts',
  'libs/apimachinery/src/structure/omit-zero.ts',
]);

describe('the house is tidy', () => {
  it('names files in kebab-case', () => {
    const odd = sources.filter((file) => !/^[a-z0-9]+([-.][a-z0-9]+)*\.ts$/.test(basename(file)));
    expect(odd).toEqual([]);
  });

  it('looks twice at 400 lines and lets no file of code grow past 450', () => {
    const long = sources
      .filter((file) => !data.has(file) && !file.endsWith('.spec.ts'))
      .filter((file) => read(file).split('\n').length > 451);
    expect(long).toEqual([]);
  });

  it('says in the first lines of each library what it is', () => {
    const rooms = sources.filter((file) => /^libs\/[^/]+\/src\/index\.ts$/.test(file));
    const silent = rooms.filter((file) => !read(file).startsWith('/**'));
    expect(rooms.length).toBeGreaterThan(8);
    expect(silent).toEqual([]);
  });

  it('leaves nothing for later without an issue', () => {
    const word = new RegExp(
      `\\b(${['TO', 'FIX', 'X'].map((a, i) => a + ['DO', 'ME', 'XX'][i]).join('|')})\\b(?!.*#\\d+)`,
    );
    expect(sources.filter((file) => !data.has(file) && word.test(read(file)))).toEqual([]);
  });

  it('switches no rule off', () => {
    const off = new RegExp(
      ['eslint', 'oxlint', 'prettier']
        .map((tool) => `${tool}-(disable|ignore)`)
        .concat(['@ts', 'ignore'].join('-'))
        .join('|'),
    );
    expect(sources.filter((file) => off.test(read(file)))).toEqual([]);
  });

  it('names no path of one machine', () => {
    const path = new RegExp(`['"\`\\s(](/${'home'}|/${'root'}|/${'work'}|/${'opt'}/peers)/`);
    const texts = files.filter(
      (file) =>
        /\.(ts|mjs|md|json|yml|yaml)$/.test(file) &&
        !file.endsWith('.spec.ts') &&
        file !== 'package-lock.json',
    );
    expect(texts.filter((file) => !data.has(file) && path.test(read(file)))).toEqual([]);
  });
});
