import { Agent, request } from 'node:https';
import type { KeyPair } from '#libs/pki';
import type { Observation } from '../protocol.js';

/** Path of a master's own observation; for cluster administrators, as everything beside it. */
export const observationPath = '/trireme/v1/observation';

const pollEveryMs = 500;
/** No answer for this long is a silence: a paused master accepts connections and says nothing. */
const timeoutMs = 700;
const answerBytesMax = 1 << 20;

/** By whom masters' certificates are signed, and whose certificate they are shown. */
export interface PeerTrust {
  /** PEM, one authority or several. */
  readonly ca: string;
  readonly identity: KeyPair;
}

export interface PeerWatchOptions {
  readonly name: string;
  /** Where its API is. */
  readonly url: string;
  readonly trust: PeerTrust;
}

/** Asks one other master for its observation, over and over, while somebody watches. */
export class PeerWatch {
  readonly #options: PeerWatchOptions;
  readonly #agent: Agent;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #observation: Observation | undefined;
  #silence: string | undefined = 'no answer yet';
  /** Resolves once the first question was answered or has failed. */
  readonly first: Promise<void>;

  constructor(options: PeerWatchOptions) {
    this.#options = options;
    const { trust, name } = options;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: trust.ca,
      cert: trust.identity.certificate,
      key: trust.identity.privateKey,
      // In every master's certificate, whatever address it is reached under.
      servername: name,
    });
    this.first = this.#round();
  }

  /** The last answer, or why there is none now. */
  get current(): { readonly observation: Observation } | { readonly silence: string } {
    if (this.#silence === undefined && this.#observation !== undefined)
      return { observation: this.#observation };
    return { silence: this.#silence ?? 'no answer yet' };
  }

  /** Whether it would be asked in the same way with these: at its address, with its certificates. */
  holdsFor({ url, trust: { ca, identity } }: PeerWatchOptions): boolean {
    const { url: usedUrl, trust: used } = this.#options;
    return url === usedUrl && ca === used.ca && identity.certificate === used.identity.certificate;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#agent.destroy();
  }

  async #round(): Promise<void> {
    try {
      this.#observation = await this.#ask();
      this.#silence = undefined;
    } catch (error) {
      this.#silence = (error as Error).message;
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#round(), pollEveryMs);
  }

  #ask(): Promise<Observation> {
    const { url, name } = this.#options;
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(observationPath, url),
        { agent: this.#agent, signal: AbortSignal.timeout(timeoutMs) },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
            if (text.length > answerBytesMax) response.destroy(new Error('the answer is too long'));
          });
          response.on('error', reject).on('end', () => {
            if (response.statusCode !== 200) return reject(new Error(`it answered ${response.statusCode}`));
            const observation = JSON.parse(text) as Observation;
            // Another master's port: members may share an address, and not everyone's port is known.
            if (observation.name !== name) return reject(new Error('the address of its API is not known'));
            resolve(observation);
          });
        },
      );
      sent.on('error', (error: NodeJS.ErrnoException) => reject(new Error(reasonOf(error))));
      sent.end();
    });
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer';
  if (error.code === 'ECONNREFUSED') return 'not running';
  if (error.code === 'ECONNRESET') return 'the connection broke';
  return error.message;
}
