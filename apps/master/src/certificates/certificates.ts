import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ClusterPki, ensureClusterPki, type MasterCertificates } from '#libs/pki';
import type { Logger } from '#libs/telemetry';
import type { MasterConfig } from '../config.js';

/** Told what holds from now on, and what held before. */
export type CertificateListener = (now: ClusterPki, before: ClusterPki) => void;

/**
 * The certificates of this master, kept as they are on disk: changed files are picked up while it runs. What an authority
 * that is new on disk has not signed is issued anew by it, as at a start. Files that do not hold (half of a pair, no PEM)
 * change nothing: what was there before goes on, the log says why, and they are looked at again.
 */
export class Certificates {
  readonly #config: MasterConfig;
  readonly #logger: Logger;
  readonly #listeners = new Set<CertificateListener>();
  #current: ClusterPki;
  #signature: string;
  #timer: NodeJS.Timeout | undefined;
  #lastWarning = '';

  private constructor(config: MasterConfig, logger: Logger, current: ClusterPki, signature: string) {
    this.#config = config;
    this.#logger = logger;
    this.#current = current;
    this.#signature = signature;
  }

  /** Reads or issues them. Throws PkiError, and Error when the configuration's own name is not among its members. */
  static async load(config: MasterConfig, logger: Logger): Promise<Certificates> {
    const signature = await signatureOf(config);
    const current = await ensure(config);
    if (current.masters[config.name] === undefined)
      throw new Error(`"${config.name}" is not among the members of its configuration`);
    return new Certificates(config, logger, current, signature);
  }

  get current(): ClusterPki {
    return this.#current;
  }

  /** Those of this master. */
  get own(): MasterCertificates {
    return this.#current.masters[this.#config.name] as MasterCertificates;
  }

  onChange(listener: CertificateListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Begins to look at the files; returns what ends it. */
  watch(): () => void {
    const round = async (): Promise<void> => {
      await this.#look();
      if (this.#timer !== undefined) this.#timer = this.#schedule(round);
    };
    this.#timer = this.#schedule(round);
    return () => {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #schedule(round: () => Promise<void>): NodeJS.Timeout {
    return setTimeout(() => void round(), this.#config.certificateReloadMs).unref();
  }

  async #look(): Promise<void> {
    try {
      const signature = await signatureOf(this.#config);
      if (signature === this.#signature) return;
      const now = await ensure(this.#config);
      this.#signature = await signatureOf(this.#config);
      this.#lastWarning = '';
      const before = this.#current;
      this.#current = now;
      for (const listener of this.#listeners) listener(now, before);
    } catch (error) {
      const { message } = error as Error;
      if (message === this.#lastWarning) return;
      this.#lastWarning = message;
      this.#logger.warn({ error: message }, 'changed certificates are not used; those of before go on');
    }
  }
}

function ensure(config: MasterConfig): Promise<ClusterPki> {
  return ensureClusterPki(dirname(config.pkiDir), { masters: config.members.map(({ name }) => name) });
}

/** What changes when any file that matters here does. Only looked at: reading all of them each time would be work. */
async function signatureOf({ pkiDir, name }: MasterConfig): Promise<string> {
  const shared = ['ca', 'peer-ca', 'etcd-ca', 'admin'];
  const own = ['apiserver', 'peer', 'etcd'].map((which) => `masters/${name}/${which}`);
  const files = [...shared, ...own].flatMap((file) => [`${file}.crt`, `${file}.key`]);
  const facts = await Promise.all(
    files.map(async (file) => {
      const found = await stat(join(pkiDir, file)).catch(() => undefined);
      return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeMs}`;
    }),
  );
  return facts.join('\n');
}
