import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../errors/api-error.js';
import {
  checkFieldSelector,
  compileLabelSelector,
  compileNodeSelector,
  parseFieldSelector,
  parseLabelSelector,
} from './index.js';

describe('label selectors', () => {
  const labels = { app: 'web', tier: 'a', size: '5', 'example.com/x': '' };

  it.each([
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web , tier=a', true],
    ['app!=web', false],
    ['nothing!=web', true],
    ['app in (web,api)', true],
    ['app in (api)', false],
    ['app notin (web)', false],
    ['nothing notin (web)', true],
    ['app', true],
    ['!app', false],
    ['! nothing', true],
    ['size>4', true],
    ['size>5', false],
    ['size<6', true],
    ['app<6', false],
    ['example.com/x=', true],
    ['example.com/x=,app', true],
    ['example.com/x in (,a)', true],
    ['in=web', false],
    ['in in (in,notin)', false],
    ['constructor', false],
    ['!constructor', true],
    ['toString in (a)', false],
  ])('%j answers %s', (text, expected) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(expected);
  });

  it('treats absent labels as none', () => {
    expect(parseLabelSelector('a!=b,!c').matches(undefined)).toBe(true);
    expect(parseLabelSelector('a').matches(undefined)).toBe(false);
  });

  it.each([
    ['a,', "found '', expected: identifier after ','"],
    ['=a', "found '=', expected: !, identifier, or 'end of string'"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
    ['a in ()', "for 'in', 'notin' operators, values set can't be empty"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a>b', "for 'Gt', 'Lt' operators, the value must be an integer"],
    ['a=b!', "found '!', expected: ',' or 'end of string'"],
    ['-a=b', 'key: Invalid value: "-a": name part must consist of alphanumeric characters'],
    ['a=-b', 'values[0][a]: Invalid value: "-b": a valid label must be an empty string'],
    [`a=${'b'.repeat(64)}`, 'must be no more than 63 characters'],
  ])('refuses %j and says why', (text, message) => {
    const attempt = () => parseLabelSelector(text);
    expect(attempt).toThrow(ApiError);
    expect(attempt).toThrow(message);
  });

  it('writes the canonical text', () => {
    expect(parseLabelSelector('z in (b, a,b),!y, x , w!=1,v>3').toString()).toBe('v>3,w!=1,x,!y,z in (a,b)');
  });

  it('reads its own text back, and answers any text with a selector or a 400', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ab=!<>(),inotx1 ]{0,25}$/), (text) => {
        try {
          const written = parseLabelSelector(text).toString();
          expect(parseLabelSelector(written).toString()).toBe(written);
        } catch (error) {
          expect(error).toMatchObject({ code: 400, reason: 'BadRequest' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('label selectors of objects', () => {
  it('select nothing when absent, everything when empty', () => {
    expect(compileLabelSelector(undefined).matches({ a: 'b' })).toBe(false);
    expect(compileLabelSelector({}).matches(undefined)).toBe(true);
  });

  it('join matchLabels and matchExpressions', () => {
    const selector = compileLabelSelector({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['a', 'b'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    });
    expect(selector.matches({ app: 'web', tier: 'b' })).toBe(true);
    expect(selector.matches({ app: 'web', tier: 'b', old: '' })).toBe(false);
    expect(selector.toString()).toBe('app=web,!old,tier in (a,b)');
  });

  it('refuse an operator that is none', () => {
    expect(() => compileLabelSelector({ matchExpressions: [{ key: 'a', operator: 'Near' }] })).toThrow(
      '"Near" is not a valid label selector operator',
    );
  });
});

describe('node selectors', () => {
  const node = { name: 'n1', labels: { zone: 'a', cpus: '8' } };
  const selects = (...nodeSelectorTerms: Parameters<typeof compileNodeSelector>[0]['nodeSelectorTerms']) =>
    compileNodeSelector({ nodeSelectorTerms })(node);

  it('need one term of several', () => {
    expect(
      selects(
        { matchExpressions: [{ key: 'zone', operator: 'In', values: ['b'] }] },
        { matchExpressions: [{ key: 'cpus', operator: 'Gt', values: ['4'] }] },
      ),
    ).toBe(true);
    expect(selects()).toBe(false);
    expect(selects({})).toBe(false);
  });

  it('need all of a term', () => {
    const expression = { key: 'zone', operator: 'NotIn', values: ['b'] };
    expect(
      selects({
        matchExpressions: [expression],
        matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }],
      }),
    ).toBe(true);
    expect(
      selects({
        matchExpressions: [expression],
        matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['n1'] }],
      }),
    ).toBe(false);
  });

  it('pass over a term that cannot be read', () => {
    expect(
      selects(
        { matchExpressions: [{ key: 'cpus', operator: 'Gt', values: ['many'] }] },
        { matchExpressions: [{ key: 'zone', operator: 'Exists' }] },
      ),
    ).toBe(true);
  });
});

describe('field selectors', () => {
  const fields: Record<string, string> = { 'metadata.name': 'web', 'spec.x': 'a,b=c' };
  const matches = (text: string) => parseFieldSelector(text).matches((field) => fields[field] ?? '');

  it('compare values', () => {
    expect(matches('metadata.name=web')).toBe(true);
    expect(matches('metadata.name==web')).toBe(true);
    expect(matches('metadata.name!=web')).toBe(false);
    expect(matches('metadata.name=web,spec.none=')).toBe(true);
    expect(matches('')).toBe(true);
  });

  it('take escapes in values', () => {
    expect(matches('spec.x=a\\,b\\=c')).toBe(true);
    expect(parseFieldSelector('spec.x=a\\,b\\=c').toString()).toBe('spec.x=a\\,b\\=c');
  });

  it('say what is wrong', () => {
    expect(() => parseFieldSelector('abc')).toThrow("invalid selector: 'abc'; can't understand 'abc'");
    expect(() => parseFieldSelector('a=\\b')).toThrow('invalid escape sequence: \\b');
    expect(() => parseFieldSelector('a=b=c')).toThrow('unescaped character in value: 61');
    expect(() => checkFieldSelector(parseFieldSelector('a=b'), (field) => field === 'metadata.name')).toThrow(
      'field label not supported: a',
    );
  });

  it('tell the value they demand, for an index', () => {
    const selector = parseFieldSelector('spec.nodeName=n1,metadata.name!=x');
    expect(selector.requiredValue('spec.nodeName')).toBe('n1');
    expect(selector.requiredValue('metadata.name')).toBeUndefined();
  });

  it('read their own text back', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const text = [a, b].map((value, i) => `f${i}=${value.replace(/[\\,=]/g, (c) => `\\${c}`)}`).join(',');
        expect(parseFieldSelector(text).toString()).toBe(text);
      }),
    );
  });
});
