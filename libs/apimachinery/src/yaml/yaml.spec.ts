import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Json } from '../types.js';
import { parseYaml, parseYamlDocuments } from './index.js';

const value = (text: string) => parseYaml(text).value;

describe('parseYaml', () => {
  it.each<[string, Json]>([
    ['', null],
    ['# nothing', null],
    ['{"a": [1, null, true, "x"]}', { a: [1, null, true, 'x'] }],
    ['a: yes\nb: n\nc: "y"\nd: On', { a: true, b: false, c: 'y', d: true }],
    ['a: 0777\nb: 0x10\nc: 1e3\nd: 1_000', { a: 511, b: 16, c: 1000, d: 1000 }],
    [
      'a: 1:30\nb: 2024-01-02\nc: 2024-01-02T03:04:05Z',
      { a: '1:30', b: '2024-01-02', c: '2024-01-02T03:04:05Z' },
    ],
    ['1: a\ntrue: b\n1.5: c', { 1: 'a', true: 'b', 1.5: 'c' }],
    ['a: ~\nb:\nc: null', { a: null, b: null, c: null }],
    ['a: |\n  x\n  y\nb: >-\n  x\n  y', { a: 'x\ny\n', b: 'x y' }],
    ['a: &x {b: 1}\nc: *x', { a: { b: 1 }, c: { b: 1 } }],
    ['a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}', { a: { b: 1, c: 2 }, d: { b: 1, c: 3 } }],
    [
      'a: &x {b: 1}\nc: &y {b: 2, z: 3}\nd: {<<: [*x, *y]}',
      { a: { b: 1 }, c: { b: 2, z: 3 }, d: { b: 1, z: 3 } },
    ],
    ['a: 1\n---\nb: 2', { a: 1 }],
    ['constructor: 1', { constructor: 1 } as unknown as Json],
  ])('reads %j', (text, expected) => {
    expect(value(text)).toEqual(expected);
  });

  it('tells of keys given twice, and takes the last', () => {
    expect(parseYaml('a: 1\nb: {c: 1,\n  c: 2}\na: 3')).toEqual({
      value: { a: 3, b: { c: 2 } },
      duplicateKeys: ['line 3: key "c" already set in map', 'line 4: key "a" already set in map'],
    });
  });

  it.each([
    ['a: b: c', /line 1: /],
    ['a: [1, 2', /line 1: /],
    ['a:\n\t- b', /line 2: /],
    ['a: *none', /unknown anchor|Unresolved alias/],
    ['a: &x [*x]', /contains itself/],
    ['a: .nan', /no form in JSON/],
    ['a: !!python/object x', /Unresolved tag/],
    ['__proto__: {polluted: true}', /not allowed/],
    ['{? {a: 1} : b}', /neither text, number nor boolean/],
    ['<<: 1', /map merge requires/],
  ])('refuses %j and says where', (text, message) => {
    const attempt = () => parseYaml(text);
    expect(attempt).toThrow(expect.objectContaining({ code: 400, reason: 'BadRequest' }));
    expect(attempt).toThrow(message);
  });

  it('bounds aliases of aliases, and merges of merges', () => {
    const bomb = (item: (name: string) => string) => {
      const lines = ['a0: &a0 {x: 1}'];
      for (let i = 1; i < 12; i++) lines.push(`a${i}: &a${i} ${item(`*a${i - 1}`)}`);
      return lines.join('\n');
    };
    const nine = (name: string) => Array.from({ length: 9 }, () => name).join(', ');
    expect(() => parseYaml(bomb((name) => `[${nine(name)}]`))).toThrow(/excessive aliasing/);
    expect(() => parseYaml(bomb((name) => `{<<: [${nine(name)}]}`))).toThrow(/excessive aliasing/);
  });

  it('bounds depth and size', () => {
    expect(() => parseYaml('['.repeat(50_000))).toThrow(expect.objectContaining({ code: 400 }));
    expect(() => parseYaml(`a: ${'x'.repeat(3 * 1024 * 1024)}`)).toThrow(
      expect.objectContaining({ code: 413 }),
    );
  });

  it('reads what another writer writes', () => {
    const json = fc
      .json({ maxDepth: 4 })
      .filter((text) => !text.includes('__proto__'))
      // JSON has no negative zero to keep.
      .map((text) => JSON.parse(text, (_, each: unknown) => (each === 0 ? 0 : each)) as Json);
    fc.assert(
      fc.property(json, (each) => {
        expect(value(stringify(each, { version: '1.1' }))).toEqual(each);
        expect(value(JSON.stringify(each))).toEqual(each);
      }),
    );
  });

  it('answers any text with JSON or an ApiError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[ab:\-\n &*<{}[\],!|>"'#?]{0,40}$/)), (text) => {
        try {
          parseYaml(text);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ApiError', code: 400 });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('reads every document of a manifest', () => {
    expect(
      parseYamlDocuments('---\na: 1\n---\n# none\n---\nb: 2\n').map((document) => document.value),
    ).toEqual([{ a: 1 }, { b: 2 }]);
  });
});
