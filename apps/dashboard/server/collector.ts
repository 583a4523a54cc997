import type { MemberStatus } from '#libs/consensus';
import type { FaultNote, Frame, MemberFrame, Observation } from '../protocol.js';
import { PeerWatch, type PeerWatchOptions } from './peer-watch.js';

const frameEveryMs = 500;

/** What a supervisor tells of the processes and faults of a local cluster; apps/cli's FaultReport. */
export interface FaultReport {
  readonly records: readonly FaultNote[];
  readonly masters: readonly {
    readonly name: string;
    readonly pid?: number;
    readonly paused: boolean;
    readonly cut?: string;
  }[];
}

export interface CollectorOptions extends Omit<PeerWatchOptions, 'name' | 'url'> {
  readonly cluster: string;
  readonly self: string;
  readonly observe: () => Promise<Observation>;
  readonly members: () => readonly MemberStatus[];
  /** URL of a member's API. */
  readonly urlOf: (member: MemberStatus) => string;
  /** Undefined on a cluster that has no local supervisor. */
  readonly faultReport: (() => Promise<FaultReport>) | undefined;
  readonly onFault: (error: unknown) => void;
}

type FrameListener = (frame: Frame) => void;

/**
 * Draws up the frames of this master's dashboard streams: its own observation and those of the others. Works only while
 * somebody listens, once for all of them.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #listeners = new Set<FrameListener>();
  readonly #peers = new Map<string, PeerWatch>();
  #timer: NodeJS.Timeout | undefined;
  #busy = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Frames follow, the first at once. Returns what ends them. */
  listen(listener: FrameListener): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => void this.#tell(), frameEveryMs);
    void this.#tell();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  /** Something has changed that is worth a frame out of turn. */
  changed(): void {
    if (this.#listeners.size > 0) void this.#tell();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
  }

  async #tell(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const frame = await this.#frame();
      for (const listener of this.#listeners) listener(frame);
    } catch (error) {
      this.#options.onFault(error);
    } finally {
      this.#busy = false;
    }
  }

  async #frame(): Promise<Frame> {
    const { cluster, self, observe, members, faultReport } = this.#options;
    const others = members().filter(({ name }) => name !== self);
    this.#follow(others);
    // The first frame waits for the others: nobody is called silent who was not asked.
    await Promise.all([...this.#peers.values()].map(({ first }) => first));
    // A supervisor that does not answer cannot do faults either: then the page has no buttons.
    const [own, report] = await Promise.all([observe(), faultReport?.().catch(() => undefined)]);
    const frameOf = (name: string): MemberFrame => {
      const process = report?.masters.find((master) => master.name === name);
      const known =
        name === own.name
          ? { observation: own }
          : (this.#peers.get(name)?.current ?? { silence: 'no answer yet' });
      return {
        name,
        ...known,
        ...(process === undefined
          ? {}
          : {
              process: {
                paused: process.paused,
                ...(process.pid === undefined ? {} : { pid: process.pid }),
                ...(process.cut === undefined ? {} : { cut: process.cut }),
              },
            }),
      };
    };
    return {
      at: own.at,
      cluster,
      servedBy: self,
      members: members().map(({ name }) => frameOf(name)),
      ...(report === undefined ? {} : { faults: report.records }),
    };
  }

  /** Members come and go while the cluster runs. */
  #follow(others: readonly MemberStatus[]): void {
    const { clientCa, identity, urlOf } = this.#options;
    for (const member of others) {
      if (this.#peers.has(member.name)) continue;
      const peer = new PeerWatch({ name: member.name, url: urlOf(member), clientCa, identity });
      this.#peers.set(member.name, peer);
    }
    for (const [name, peer] of this.#peers) {
      if (others.some((other) => other.name === name)) continue;
      peer.close();
      this.#peers.delete(name);
    }
  }
}
