import type { Pod } from '#libs/client';

/** How many pods and containers run on the nodes of an agent, kept by what its watch of pods tells. */
export class RunningPods {
  readonly #containers = new Map<string, number>();
  #total = 0;

  /** The pod as it is now. */
  seen(key: string, pod: Pod): void {
    this.gone(key);
    if (pod.status?.phase !== 'Running') return;
    const { length } = pod.spec.containers;
    this.#containers.set(key, length);
    this.#total += length;
  }

  gone(key: string): void {
    this.#total -= this.#containers.get(key) ?? 0;
    this.#containers.delete(key);
  }

  counts(): { readonly pods: number; readonly containers: number } {
    return { pods: this.#containers.size, containers: this.#total };
  }
}
