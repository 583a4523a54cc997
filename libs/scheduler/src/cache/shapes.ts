import type { Pod } from '#libs/client';
import { PodInfo } from './pod-info.js';
import { makeShape, shapeKeyOf, type PodShape } from './pod-shape.js';
import type { TopologyIndex } from './topology-index.js';

/** Shapes without pods that are kept for the next pod of their template. */
const idleShapesMax = 512;

/** Interns shapes, so that what is compiled for one pod serves all of its template. */
export class Shapes {
  readonly #byKey = new Map<string, PodShape>();
  readonly #idle = new Map<string, PodShape>();
  readonly #index: TopologyIndex;

  constructor(index: TopologyIndex) {
    this.#index = index;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Give it back with `release`. */
  infoOf(pod: Pod): PodInfo {
    const key = shapeKeyOf(pod);
    let shape = this.#byKey.get(key);
    if (shape === undefined) {
      shape = makeShape(pod, key, this.#index);
      this.#byKey.set(key, shape);
      for (const term of shape.refusing) term.refusingShapes++;
    }
    if (shape.users === 0) this.#idle.delete(key);
    shape.users++;
    return new PodInfo(pod, shape);
  }

  release({ shape }: PodInfo): void {
    shape.users--;
    if (shape.users > 0) return;
    this.#idle.set(shape.key, shape);
    if (this.#idle.size <= idleShapesMax) return;
    for (const [key, oldest] of this.#idle) {
      this.#idle.delete(key);
      this.#byKey.delete(key);
      for (const term of oldest.refusing) term.refusingShapes--;
      for (const term of oldest.terms) this.#index.releaseTerm(term);
      this.#index.releaseClass(oldest.labelClass);
      return;
    }
  }
}
