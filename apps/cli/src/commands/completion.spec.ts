import { describe, expect, it } from 'vitest';
import type { ClusterState } from '../cluster/state.js';
import { createProgram } from '../program.js';
import { complete } from './completion.js';

const state = { masters: [{ name: 'master-1' }, { name: 'master-2' }], nodes: 0, dataDir: '/nowhere' };
const at = (...words: readonly string[]): readonly string[] =>
  complete(createProgram(), words, ({ name }) =>
    name === 'other' ? undefined : (state as unknown as ClusterState),
  );

describe('completion', () => {
  it('offers commands, subcommands and flags, but no hidden ones', () => {
    expect(at('')).toEqual(expect.arrayContaining(['up', 'logs', 'doctor', 'config', 'kubectl', '--quiet']));
    expect(at('')).not.toContain('complete');
    expect(at('snapshot', '')).toEqual(['save', 'status', 'restore']);
    expect(at('up', '--')).toEqual(expect.arrayContaining(['--masters', '--data-dir', '--storage']));
  });

  it('offers the masters of the cluster that is named, where a master is wanted', () => {
    expect(at('chaos', 'kill', '').slice(0, 4)).toEqual(['leader', 'follower', 'master-1', 'master-2']);
    expect(at('chaos', 'start', '').slice(0, 2)).toEqual(['master-1', 'master-2']);
    expect(at('transfer-leader', 'm')).toContain('master-2');
    expect(at('logs', 'master-1', '')).toContain('master-2');
    expect(at('chaos', 'kill', '--name', 'other', '')).not.toContain('leader');
    expect(at('chaos', 'kill', 'master-1', ''), 'one is enough').not.toContain('master-2');
  });

  it('offers the values of a flag, and after those of others what comes next', () => {
    expect(at('status', '--output', '')).toEqual(['table', 'json', 'yaml']);
    expect(at('transfer-leader', '--from', '')).toEqual(['master-1', 'master-2']);
    expect(at('status', '--watch', '-o', 'json', '')).toContain('--name');
    expect(at('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(at('kubectl', '--', '')).toEqual([]);
  });
});
