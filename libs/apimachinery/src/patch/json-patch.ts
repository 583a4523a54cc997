import { ApiError } from '../errors/api-error.js';
import type { Json, JsonObject } from '../types.js';
import {
  badPatch,
  checkPatchDocument,
  cloneJson,
  equalJson,
  exceedsDepth,
  isJsonObject,
  unprocessablePatch,
} from './json-value.js';

/** Kubernetes' own bounds: operations of one patch, and bytes that its `copy` operations may add. */
const operationsMax = 10_000;
const copiedCharactersMax = 3 * 1024 * 1024;
const resultDepthMax = 1000;

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: string;
  readonly from: string;
  readonly value: Json;
}

/**
 * JSON Patch (RFC 6902). The result shares nothing with either argument.
 * Throws ApiError: 400 where the patch cannot be read, 413 beyond 10,000 operations, 422 where an operation does not apply.
 */
export function applyJsonPatch(document: Json, patch: Json): Json {
  const operations = readOperations(patch);
  const target = new PatchTarget(cloneJson(document));
  for (const [index, operation] of operations.entries()) {
    try {
      target.apply(operation);
    } catch (error) {
      // Copies into themselves can nest deeper than the stack reaches.
      const detail = error instanceof RangeError ? 'the result is nested too deep' : undefined;
      if (detail === undefined && !(error instanceof OperationError)) throw error;
      const path = operation.path.slice(0, 256);
      const { op } = operation;
      throw unprocessablePatch(`operation ${index} (${op} ${path}): ${detail ?? (error as Error).message}`);
    }
  }
  if (exceedsDepth(target.document, resultDepthMax)) {
    throw unprocessablePatch(`the result is nested deeper than ${resultDepthMax} levels`);
  }
  return target.document;
}

function readOperations(patch: Json): Operation[] {
  if (!Array.isArray(patch)) throw badPatch('error decoding patch: a JSON patch is a list of operations');
  if (patch.length > operationsMax) {
    throw new ApiError(
      413,
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${operationsMax}, got ${patch.length}`,
    );
  }
  checkPatchDocument(patch);
  return patch.map(readOperation);
}

function readOperation(raw: Json, index: number): Operation {
  const wrong = (what: string) => badPatch(`error decoding patch: operation ${index} ${what}`);
  if (!isJsonObject(raw)) throw wrong('is not an object');
  const { op, path, from, value } = raw;
  if (typeof op !== 'string' || !['add', 'remove', 'replace', 'move', 'copy', 'test'].includes(op)) {
    throw wrong(`has no known op: ${JSON.stringify(op)}`);
  }
  if (typeof path !== 'string') throw wrong('has no path');
  if ((op === 'move' || op === 'copy') && typeof from !== 'string') throw wrong('has no from');
  if ((op === 'add' || op === 'replace') && value === undefined) throw wrong('has no value');
  return {
    op: op as Operation['op'],
    path,
    from: typeof from === 'string' ? from : '',
    value: value ?? null,
  };
}

class OperationError extends Error {}

/** A document under change, owned by the patch. */
class PatchTarget {
  private copiedCharacters = 0;

  constructor(public document: Json) {}

  apply(operation: Operation): void {
    const { op, path, from, value } = operation;
    switch (op) {
      case 'add':
        this.add(path, cloneJson(value));
        break;
      case 'remove':
        this.remove(path);
        break;
      case 'replace':
        this.replace(path, cloneJson(value));
        break;
      case 'move':
        if (path.startsWith(`${from}/`)) throw new OperationError('cannot move a value into itself');
        this.add(path, path === from ? this.get(from) : this.remove(from));
        break;
      case 'copy':
        this.add(path, this.copy(from));
        break;
      case 'test':
        if (!equalJson(this.get(path), value)) throw new OperationError('test failed');
        break;
    }
  }

  private copy(from: string): Json {
    const value = this.get(from);
    this.copiedCharacters += JSON.stringify(value).length;
    if (this.copiedCharacters > copiedCharactersMax) {
      throw new OperationError(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.copiedCharacters}, exceeding the limit ${copiedCharactersMax}`,
      );
    }
    return cloneJson(value);
  }

  private get(path: string): Json {
    let value = this.document;
    for (const token of tokens(path)) value = child(value, token);
    return value;
  }

  private add(path: string, value: Json): void {
    const place = this.locate(path);
    if (place === undefined) this.document = value;
    else if (Array.isArray(place.parent)) {
      const { length } = place.parent;
      const index = place.key === '-' ? length : arrayIndex(place.key, length + 1);
      place.parent.splice(index, 0, value);
    } else place.parent[place.key] = value;
  }

  private replace(path: string, value: Json): void {
    const place = this.locate(path);
    if (place === undefined) {
      this.document = value;
      return;
    }
    child(place.parent, place.key);
    if (Array.isArray(place.parent)) place.parent[arrayIndex(place.key, place.parent.length)] = value;
    else place.parent[place.key] = value;
  }

  private remove(path: string): Json {
    const place = this.locate(path);
    if (place === undefined) throw new OperationError('the whole document cannot be removed');
    const value = child(place.parent, place.key);
    if (Array.isArray(place.parent)) place.parent.splice(arrayIndex(place.key, place.parent.length), 1);
    else delete place.parent[place.key];
    return value;
  }

  /** The container and the key in it, undefined for the document itself. */
  private locate(path: string): { parent: Json[] | JsonObject; key: string } | undefined {
    const steps = tokens(path);
    const key = steps.pop();
    if (key === undefined) return undefined;
    let parent = this.document;
    for (const token of steps) parent = child(parent, token);
    if (typeof parent !== 'object' || parent === null) throw new OperationError('its parent holds no values');
    return { parent, key };
  }
}

/** JSON Pointer (RFC 6901). */
function tokens(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new OperationError(`path "${pointer}" does not begin with "/"`);
  return pointer
    .slice(1)
    .split('/')
    .map((token) => {
      if (/~(?![01])/.test(token))
        throw new OperationError(`path "${pointer}" has a "~" that escapes nothing`);
      const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
      if (key === '__proto__') throw new OperationError('path has the key "__proto__", which is not allowed');
      return key;
    });
}

function child(container: Json, key: string): Json {
  if (Array.isArray(container)) {
    const item = container[arrayIndex(key, container.length)];
    if (item !== undefined) return item;
  } else if (isJsonObject(container) && Object.hasOwn(container, key)) {
    const item = container[key];
    if (item !== undefined) return item;
  }
  throw new OperationError(`no value at "${key}"`);
}

function arrayIndex(key: string, limit: number): number {
  const index = /^(0|[1-9][0-9]{0,9})$/.test(key) ? Number(key) : limit;
  if (index >= limit) throw new OperationError(`"${key}" is no index of a list of ${limit}`);
  return index;
}
