import type { KubernetesObject } from '#libs/apimachinery';
import type { Clock } from '../clock.js';
import type { DecodedCache } from '../registry/decoded-cache.js';
import { prefixEnd, prefixOf } from '../registry/keys.js';
import type { Storage } from '#libs/consensus';
import type { AdmissionAttributes, AdmissionPlugin, AdmissionReader, Reservation } from './plugin.js';

/**
 * Runs the plugins in order: all `admit` before validation, all `validate` after. A plugin that answers without a
 * promise is not waited for.
 */
export class AdmissionChain {
  constructor(
    readonly plugins: readonly AdmissionPlugin[],
    readonly reader: AdmissionReader,
    readonly reserves = true,
  ) {}

  /** The same for objects whose transactions cannot hold what is reserved: that is elsewhere. */
  withoutReservations(): AdmissionChain {
    return new AdmissionChain(this.plugins, this.reader, false);
  }

  async admit(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.plugins) {
      if (plugin.admit === undefined || !plugin.handles(attributes)) continue;
      const pending = plugin.admit(attributes, this.reader);
      if (pending !== undefined) await pending;
    }
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.plugins) {
      if (plugin.validate === undefined || !plugin.handles(attributes)) continue;
      const pending = plugin.validate(attributes, this.reader);
      if (pending !== undefined) await pending;
    }
  }

  /** All reservations as one; undefined where nothing is to be reserved. */
  reserve(attributes: AdmissionAttributes): Reservation | undefined {
    if (!this.reserves) return undefined;
    const made: Reservation[] = [];
    for (const plugin of this.plugins) {
      if (plugin.reserve === undefined || !plugin.handles(attributes)) continue;
      const reservation = plugin.reserve(attributes, this.reader);
      if (reservation !== undefined) made.push(reservation);
    }
    if (made.length === 0) return undefined;
    return {
      compare: made.flatMap(({ compare }) => compare),
      operations: made.flatMap(({ operations }) => operations),
      undo: () => {
        for (const { undo } of made.toReversed()) undo();
      },
    };
  }
}

export function admissionReader(
  storage: Storage,
  decoded: DecodedCache,
  ambient: { random: () => number; uid: () => string; clock: Clock },
): AdmissionReader {
  const keyOf = (group: string, resource: string, namespace: string, name: string) =>
    prefixOf(group, resource) + (namespace === '' ? name : `${namespace}/${name}`);
  return {
    get(group, resource, namespace, name) {
      const keyValue = storage.get(keyOf(group, resource, namespace, name));
      return keyValue === undefined ? undefined : decoded.decode(keyValue);
    },
    list(group, resource, namespace): readonly KubernetesObject[] {
      const prefix = prefixOf(group, resource) + (namespace === '' ? '' : `${namespace}/`);
      const { keyValues } = storage.range({ start: prefix, end: prefixEnd(prefix) });
      return keyValues.map((keyValue) => decoded.decode(keyValue));
    },
    createRevision: (group, resource, namespace, name) =>
      storage.get(keyOf(group, resource, namespace, name))?.createRevision,
    refresh: () => storage.barrier(),
    exists: (key) => storage.get(key) !== undefined,
    pause: (delayMs) =>
      new Promise((resolve) => {
        ambient.clock.after(delayMs, resolve);
      }),
    random: ambient.random,
    uid: ambient.uid,
  };
}
