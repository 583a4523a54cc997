import type { MemberStatus } from '#libs/consensus';
import type { FaultNote, Frame, MemberFrame, Observation } from '../protocol.js';
import { type PeerTrust, PeerWatch } from './peer-watch.js';

const frameEveryMs = 500;

/** What a supervisor tells of the processes and faults of a local cluster; apps/cli's FaultReport. */
export interface FaultReport {
  readonly records: readonly FaultNote[];
  readonly masters: readonly {
    readonly name: string;
    readonly pid?: number;
    readonly paused: boolean;
    readonly cut?: string;
    /** URL of its API. */
    readonly apiServer: string;
  }[];
}

export interface CollectorOptions {
  readonly cluster: string;
  readonly self: string;
  readonly observe: () => Promise<Observation>;
  /** Those of the configuration in force. */
  readonly members: () => readonly MemberStatus[];
  /** What holds now: asked before each frame, so that changed certificates are used from the next one on. */
  readonly trust: () => PeerTrust;
  /** URL of a member's API, where no supervisor knows better. */
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
  /** The last that there was: members stay where they are while the supervisor does not answer. */
  #lastReport: FaultReport | undefined;
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
    // A supervisor that does not answer cannot do faults either: then the page has no buttons.
    const report = await faultReport?.().catch(() => undefined);
    this.#lastReport = report ?? this.#lastReport;
    this.#follow(members().filter(({ name }) => name !== self));
    // The first frame waits for the others: nobody is called silent who was not asked.
    await Promise.all([...this.#peers.values()].map(({ first }) => first));
    const own = await observe();
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

  /** Members come, move and go while the cluster runs, and certificates change. */
  #follow(others: readonly MemberStatus[]): void {
    const { urlOf } = this.#options;
    const trust = this.#options.trust();
    for (const member of others) {
      const { name } = member;
      const local = this.#lastReport?.masters.find((master) => master.name === name);
      const options = { name, url: local?.apiServer ?? urlOf(member), trust };
      const known = this.#peers.get(name);
      if (known?.holdsFor(options) === true) continue;
      known?.close();
      this.#peers.set(name, new PeerWatch(options));
    }
    for (const [name, peer] of this.#peers) {
      if (others.some((other) => other.name === name)) continue;
      peer.close();
      this.#peers.delete(name);
    }
  }
}
