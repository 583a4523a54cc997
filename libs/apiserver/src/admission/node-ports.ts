import { fieldErrors, internalError, invalid } from '#libs/apimachinery';
import type { Compare, Operation } from '#libs/consensus';
import type { AdmissionAttributes, AdmissionReader } from './plugin.js';

export interface ServicePort {
  readonly port?: number;
  readonly protocol?: string;
  nodePort?: number;
}

const attemptsMax = 64;

function portKey(port: number): string {
  return `/registry/ranges/servicenodeports/${port}`;
}

/** The node ports of one Service: a key each, shared by its TCP and UDP ports of one number. */
export class NodePortPlan {
  readonly compare: Compare[] = [];
  readonly operations: Operation[] = [];

  constructor(
    readonly attributes: AdmissionAttributes,
    readonly reader: AdmissionReader,
    readonly range: { readonly first: number; readonly last: number },
  ) {}

  static releases(ports: readonly ServicePort[]): readonly Operation[] {
    return [...numbersOf(ports)].map((port) => ({ type: 'delete', key: portKey(port) }));
  }

  /** Takes what the next ports need beyond the ones before, and gives back the rest. Sets `nodePort` where it is open. */
  settle(next: readonly ServicePort[], before: readonly ServicePort[]): void {
    const had = numbersOf(before);
    const kept = new Set<number>();
    for (const [index, port] of next.entries()) {
      const wanted = port.nodePort ?? 0;
      const number = wanted === 0 ? this.#any(next, had) : wanted;
      port.nodePort = number;
      if (kept.has(number)) continue;
      kept.add(number);
      if (!had.has(number)) this.#take(number, index);
    }
    for (const number of had)
      if (!kept.has(number)) this.operations.push({ type: 'delete', key: portKey(number) });
  }

  #take(number: number, index: number): void {
    const { first, last } = this.range;
    const key = portKey(number);
    const field = `spec.ports[${index}].nodePort`;
    const refuse = (problem: string) =>
      invalid({ group: '', kind: 'Service' }, this.attributes.name, [
        fieldErrors.invalidValue(field, number, problem),
      ]);
    if (number < first || number > last)
      throw refuse(`provided port is not in the valid range. The range of valid ports is ${first}-${last}`);
    if (this.reader.exists(key)) throw refuse('provided port is already allocated');
    const { namespace, name } = this.attributes;
    this.compare.push({ key, target: 'modRevision', operator: '=', operand: 0 });
    this.operations.push({ type: 'put', key, value: Buffer.from(`${namespace}/${name}`) });
  }

  #any(ports: readonly ServicePort[], had: ReadonlySet<number>): number {
    const { first, last } = this.range;
    const size = last - first + 1;
    const taken = numbersOf(ports);
    const start = Math.floor(this.reader.random() * size);
    for (let attempt = 0; attempt < size; attempt++) {
      const offset =
        attempt < attemptsMax ? Math.floor(this.reader.random() * size) : (start + attempt) % size;
      const number = first + offset;
      if (!taken.has(number) && !had.has(number) && !this.reader.exists(portKey(number))) return number;
    }
    throw internalError('failed to allocate a nodePort: range is full');
  }
}

function numbersOf(ports: readonly ServicePort[]): Set<number> {
  return new Set(
    ports.flatMap(({ nodePort }) => (nodePort === undefined || nodePort === 0 ? [] : [nodePort])),
  );
}
