import type { PodInfo } from '../cache/pod-info.js';

const nobody: ReadonlySet<PodInfo> = new Set();

/** Pods that preempted others on a node and wait for them to leave: their room is kept from pods of lower priority. */
export class Nominator {
  readonly #byNode = new Map<string, Set<PodInfo>>();
  readonly #byUid = new Map<string, { readonly info: PodInfo; readonly nodeName: string }>();

  get size(): number {
    return this.#byUid.size;
  }

  on(nodeName: string): ReadonlySet<PodInfo> {
    return this.#byNode.get(nodeName) ?? nobody;
  }

  nodeOf(uid: string): string | undefined {
    return this.#byUid.get(uid)?.nodeName;
  }

  nominate(info: PodInfo, nodeName: string): void {
    this.remove(info.uid);
    this.#byUid.set(info.uid, { info, nodeName });
    const pods = this.#byNode.get(nodeName);
    if (pods === undefined) this.#byNode.set(nodeName, new Set([info]));
    else pods.add(info);
  }

  remove(uid: string): boolean {
    const known = this.#byUid.get(uid);
    if (known === undefined) return false;
    this.#byUid.delete(uid);
    const pods = this.#byNode.get(known.nodeName);
    pods?.delete(known.info);
    if (pods?.size === 0) this.#byNode.delete(known.nodeName);
    return true;
  }
}
