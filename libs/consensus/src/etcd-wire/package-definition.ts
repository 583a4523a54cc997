import type { PackageDefinition } from '@grpc/proto-loader';
import { enums, messages, services } from './protocol.js';

/** A namespace of protobufjs's JSON form: the part of it that is used here. */
interface Node {
  readonly nested: Record<string, unknown>;
}

export interface EtcdWireOptions {
  /**
   * How 64-bit integers appear in decoded messages. `Number` rounds those beyond 2^53, which etcd uses for ids of leases,
   * members and clusters: check with `Number.isSafeInteger`, or take `String`. Both forms are taken when encoding.
   */
  readonly longs: NumberConstructor | StringConstructor;
}

/**
 * etcd's services for @grpc/grpc-js. Field names are as in the protocol (`range_end`, `ID`); bytes are Buffers, enums their
 * names; absent fields have their defaults; a oneof is named by a field of its own (`request_union: 'create_request'`).
 */
export async function etcdPackageDefinition({ longs }: EtcdWireOptions): Promise<PackageDefinition> {
  // Only here: a master without etcd's protocol need not load what speaks it.
  const { fromJSON } = await import('@grpc/proto-loader');
  const root: Node = { nested: {} };
  for (const [name, fields] of Object.entries(messages)) place(root, name, messageNode(fields));
  for (const [name, values] of Object.entries(enums)) place(root, name, { values: enumValues(values) });
  for (const [name, methods] of Object.entries(services))
    place(root, name, { methods: serviceMethods(methods) });
  const options = { keepCase: true, longs, enums: String, bytes: Buffer, defaults: true, oneofs: true };
  // `bytes` is only compared with its constructors: anything else leaves Buffers as they are.
  return fromJSON(root as never, options as never);
}

const parts = (line: string): string[][] =>
  line === '' ? [] : line.split('; ').map((item) => item.split(' '));

function place(root: Node, name: string, value: Record<string, unknown>): void {
  const path = name.split('.');
  const last = path.pop()!;
  let node = root;
  for (const step of path) {
    node.nested[step] ??= { nested: {} };
    node = node.nested[step] as Node;
    // A message that holds an enumeration of its own.
    (node as { nested?: Record<string, unknown> }).nested ??= {};
  }
  node.nested[last] = { ...(node.nested[last] as object | undefined), ...value };
}

function messageNode(line: string): Record<string, unknown> {
  const fields: Record<string, object> = {};
  const oneofs: Record<string, { oneof: string[] }> = {};
  for (const [name, id, type, rule, oneof] of parts(line)) {
    fields[name!] = { type, id: Number(id), ...(rule === 'repeated' ? { rule } : {}) };
    if (rule === 'in') (oneofs[oneof!] ??= { oneof: [] }).oneof.push(name!);
  }
  return { fields, oneofs };
}

function enumValues(line: string): Record<string, number> {
  return Object.fromEntries(parts(line).map(([name, number]) => [name, Number(number)]));
}

function serviceMethods(line: string): Record<string, object> {
  return Object.fromEntries(
    parts(line).map(([name, requestType, responseType, ...streams]) => [
      name,
      {
        requestType,
        responseType,
        requestStream: streams.includes('client'),
        responseStream: streams.includes('server'),
      },
    ]),
  );
}
