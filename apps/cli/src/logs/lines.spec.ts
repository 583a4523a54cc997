import { describe, expect, it } from 'vitest';
import { interleave, LineReader } from './lines.js';

describe('logs of several processes', () => {
  it('are interleaved by time, and lines without one stay where they were written', () => {
    const one = new LineReader('master-1').read(
      '{"level":"info","time":1000,"msg":"a"}\nerror: gone\n{"time":3000}\n',
    );
    const two = new LineReader('supervisor').read('1970-01-01T00:00:02.000Z master-1 ended\n');
    expect(interleave([one, two]).map(({ source, text }) => `${source} ${text}`)).toEqual([
      'master-1 {"level":"info","time":1000,"msg":"a"}',
      'master-1 error: gone',
      'supervisor 1970-01-01T00:00:02.000Z master-1 ended',
      'master-1 {"time":3000}',
    ]);
  });

  it('may come in pieces; what is half a line waits for its end', () => {
    const reader = new LineReader('master-1');
    expect(reader.read('{"time":1')).toEqual([]);
    expect(reader.read('5}\nlast')).toEqual([{ source: 'master-1', timeMs: 15, text: '{"time":15}' }]);
    expect(reader.end()).toEqual([{ source: 'master-1', timeMs: 15, text: 'last' }]);
    expect(reader.end()).toEqual([]);
  });
});
