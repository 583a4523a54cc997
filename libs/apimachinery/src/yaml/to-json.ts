import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import type { Json, JsonObject } from '../types.js';

/** Values that aliases may add to a document at most, together: a bomb of aliases of aliases ends here. */
const aliasedValuesMax = 100_000;
const depthMax = 1000;

export interface Report {
  readonly duplicate: (key: string, offset: number) => void;
  readonly fail: (message: string, offset: number) => Error;
}

/** Turns a tree of YAML nodes into JSON. Bounded in depth and in what aliases multiply. */
export function toJson(root: Node | null, report: Report): Json {
  return new Converter(report).convert(root, 0);
}

class Converter {
  /** The node that an anchor named last, as far as the document has been read. */
  private readonly anchors = new Map<string, Node>();
  private readonly open = new Set<Node>();
  private aliasDepth = 0;
  private aliasedValues = 0;

  constructor(private readonly report: Report) {}

  convert(node: Node | null | undefined, depth: number): Json {
    if (node === null || node === undefined) return null;
    if (depth > depthMax) throw this.report.fail(`nested deeper than ${depthMax} levels`, offsetOf(node));
    if (this.aliasDepth > 0 && ++this.aliasedValues > aliasedValuesMax) {
      throw this.report.fail('document contains excessive aliasing', offsetOf(node));
    }
    if (isAlias(node))
      return this.follow(node.source, offsetOf(node), (target) => this.convert(target, depth + 1));
    if (this.aliasDepth === 0 && 'anchor' in node && typeof node.anchor === 'string') {
      this.anchors.set(node.anchor, node);
    }
    this.open.add(node);
    const value = this.value(node, depth);
    this.open.delete(node);
    return value;
  }

  private value(node: Node, depth: number): Json {
    if (isMap(node)) return this.map(node, depth);
    if (isSeq(node)) return node.items.map((item) => this.convert(item as Node | null, depth + 1));
    return this.scalar(node);
  }

  private follow<T>(name: string, offset: number, use: (target: Node) => T): T {
    const target = this.anchors.get(name);
    if (target === undefined) throw this.report.fail(`unknown anchor '${name}' referenced`, offset);
    if (this.open.has(target)) throw this.report.fail(`anchor '${name}' value contains itself`, offset);
    this.aliasDepth++;
    const result = use(target);
    this.aliasDepth--;
    return result;
  }

  private scalar(node: Node): Json {
    const value: unknown = isScalar(node) ? node.value : undefined;
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw this.report.fail(`${String(value)} has no form in JSON`, offsetOf(node));
  }

  private map(map: YAMLMap, depth: number): JsonObject {
    const result: JsonObject = {};
    const merges: Node[] = [];
    for (const { key, value } of map.items as Pair<Node | null, Node | null>[]) {
      if (isScalar(key) && key.value === '<<' && key.type === 'PLAIN' && value !== null) {
        merges.push(value);
        continue;
      }
      const name = this.key(key, map);
      if (Object.hasOwn(result, name)) this.report.duplicate(name, offsetOf(key ?? map));
      result[name] = this.convert(value, depth + 1);
    }
    for (const source of merges) this.merge(result, source, depth);
    return result;
  }

  /** Keys of the map itself win over merged ones, earlier sources over later. */
  private merge(into: JsonObject, source: Node, depth: number): void {
    if (isSeq(source)) {
      for (const item of source.items) this.merge(into, item as Node, depth + 1);
      return;
    }
    const merged = this.convert(source, depth + 1);
    if (typeof merged !== 'object' || merged === null || Array.isArray(merged)) {
      throw this.report.fail('map merge requires map or sequence of maps as the value', offsetOf(source));
    }
    for (const key of Object.keys(merged)) {
      if (!Object.hasOwn(into, key)) into[key] = merged[key];
    }
  }

  private key(key: Node | null, map: YAMLMap): string {
    const value = isAlias(key) ? this.convert(key, 0) : isScalar(key) ? (key.value as Json) : undefined;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      throw this.report.fail('a key of a map is neither text, number nor boolean', offsetOf(key ?? map));
    }
    if (value === '__proto__')
      throw this.report.fail('the key "__proto__" is not allowed', offsetOf(key ?? map));
    return String(value);
  }
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
