import {
  LineCounter,
  parseAllDocuments,
  type Document,
  type ParsedNode,
  type ScalarTag,
  type CollectionTag,
} from 'yaml';
import { ApiError } from '../errors/api-error.js';
import type { Json } from '../types.js';
import { toJson } from './to-json.js';

export interface ParsedYaml {
  readonly value: Json;
  /** `line 3: key "a" already set in map`, one for each; the last value of a key is the one that counts. */
  readonly duplicateKeys: readonly string[];
}

/** Characters at most: what an API server takes as a body. */
const lengthMax = 3 * 1024 * 1024;

/** YAML 1.1 has tags that JSON knows nothing of, and reads times as dates and 1:30 as ninety; Kubernetes does not. */
const unwantedTags = new Set(
  ['timestamp', 'set', 'omap', 'pairs', 'binary', 'merge'].map((tag) => `tag:yaml.org,2002:${tag}`),
);

function isWanted(tag: ScalarTag | CollectionTag | string): boolean {
  if (typeof tag === 'string') return !unwantedTags.has(`tag:yaml.org,2002:${tag}`);
  return !unwantedTags.has(tag.tag) && !('format' in tag && tag.format === 'TIME');
}

/**
 * Reads one YAML document as Kubernetes' YAML→JSON conversion does: YAML 1.1 (`yes` and `n` are booleans, `<<` merges), keys
 * become strings, times stay texts; of several documents the first counts, of none the value is null. Aliases are expanded
 * within a bound. Throws ApiError 400 that names the line, 413 for a text beyond 3 MiB.
 */
export function parseYaml(text: string): ParsedYaml {
  return convertAll(text, 1)[0] ?? { value: null, duplicateKeys: [] };
}

/** Every document of a stream, as in a manifest of several objects; empty ones are left out. */
export function parseYamlDocuments(text: string): ParsedYaml[] {
  return convertAll(text, Number.MAX_SAFE_INTEGER).filter(({ value }) => value !== null);
}

function convertAll(text: string, documentsMax: number): ParsedYaml[] {
  if (text.length > lengthMax) {
    throw new ApiError(
      413,
      'RequestEntityTooLarge',
      `YAML is longer than the limit of ${lengthMax} characters`,
    );
  }
  const lines = new LineCounter();
  try {
    return read(text, lines)
      .slice(0, documentsMax)
      .map((document) => convert(document, lines));
  } catch (error) {
    if (error instanceof RangeError) throw notJson('it is nested too deep');
    throw error;
  }
}

function read(text: string, lines: LineCounter): Document.Parsed<ParsedNode>[] {
  const parsed = parseAllDocuments(text, {
    version: '1.1',
    schema: 'yaml-1.1',
    customTags: (tags) => tags.filter(isWanted),
    // Duplicate keys are told, not refused: what they mean depends on the request.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter: lines,
  });
  return Array.isArray(parsed) ? (parsed as Document.Parsed<ParsedNode>[]) : [];
}

function convert(document: Document.Parsed<ParsedNode>, lines: LineCounter): ParsedYaml {
  const [error] = document.errors;
  if (error !== undefined) throw notJson(`yaml: line ${lines.linePos(error.pos[0]).line}: ${error.message}`);
  const [warning] = document.warnings;
  if (warning?.code === 'TAG_RESOLVE_FAILED') {
    throw notJson(`yaml: line ${lines.linePos(warning.pos[0]).line}: ${warning.message}`);
  }
  const duplicateKeys: string[] = [];
  const value = toJson(document.contents, {
    duplicate: (key, offset) =>
      duplicateKeys.push(`line ${lines.linePos(offset).line}: key ${JSON.stringify(key)} already set in map`),
    fail: (message, offset) => notJson(`yaml: line ${lines.linePos(offset).line}: ${message}`),
  });
  return { value, duplicateKeys };
}

function notJson(detail: string): ApiError {
  return new ApiError(400, 'BadRequest', `error converting YAML to JSON: ${detail}`);
}
