/** What plugins keep from one extension point to the next of one pod's cycle. Keys are plugin names with a suffix. */
export class CycleState {
  readonly #values = new Map<string, unknown>();

  /** Undefined where nothing was written. The caller states the type that it wrote. */
  read<T>(key: string): T | undefined {
    return this.#values.get(key) as T | undefined;
  }

  write(key: string, value: unknown): void {
    this.#values.set(key, value);
  }
}
