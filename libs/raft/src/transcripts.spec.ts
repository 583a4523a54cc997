import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { retell } from '../testing/transcript.js';

const folder = fileURLToPath(new URL('../testdata/', import.meta.url));
const update = process.env['UPDATE_TRANSCRIPTS'] === '1';

describe('stories in testdata happen as told (UPDATE_TRANSCRIPTS=1 tells them anew)', () => {
  it.each(readdirSync(folder).filter((name) => name.endsWith('.txt')))('%s', (name) => {
    const path = `${folder}${name}`;
    const story = readFileSync(path, 'utf8');
    const told = retell(story);
    if (update) writeFileSync(path, told);
    expect(told).toBe(update ? told : story);
  });
});
