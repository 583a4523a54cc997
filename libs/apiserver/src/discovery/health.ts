import type { PathHandler } from '../extension.js';
import type { ApiResponse } from '../request.js';
import { textResponse } from './respond.js';

export type HealthEndpoint = 'livez' | 'readyz' | 'healthz';

export interface HealthCheck {
  /** As it appears in `[+]<name> ok` and under `/livez/<name>`; may contain slashes. */
  readonly name: string;
  readonly endpoints: readonly HealthEndpoint[];
  /**
   * Undefined or nothing when well; otherwise why not, for the log: those who ask without credentials see only
   * "reason withheld". A rejection counts as a failure.
   */
  readonly check: () => string | undefined | Promise<string | undefined>;
}

const endpoints: ReadonlySet<string> = new Set(['livez', 'readyz', 'healthz']);
/** A check that hangs must not make the answer hang: a probe's own timeout is often one second. */
const checkTimeoutMs = 800;

/**
 * The health checks of one replica and their endpoints: `/livez /readyz /healthz`, each with `?verbose`, `?exclude=<check>`
 * (repeatable) and `/<check>`; 200 or 500, text as Kubernetes' API server writes it.
 *
 *     const health = new HealthRegistry((failed) => log.warn(failed));
 *     health.add({ name: 'consensus', endpoints: ['readyz'], check: () => (leader ? undefined : 'no leader') });
 */
export class HealthRegistry {
  readonly #checks: HealthCheck[] = [];

  /** `onFailure` gets the endpoint and the failed checks with their reasons, once an answer of 500. */
  constructor(
    readonly onFailure: (endpoint: HealthEndpoint, failures: ReadonlyMap<string, string>) => void = () =>
      undefined,
  ) {
    this.add({ name: 'ping', endpoints: ['livez', 'readyz', 'healthz'], check: () => undefined });
  }

  /** Returns what removes the check. Throws when the name is taken on one of the endpoints. */
  add(check: HealthCheck): () => void {
    const taken = this.#checks.some(
      (other) => other.name === check.name && other.endpoints.some((each) => check.endpoints.includes(each)),
    );
    if (taken) throw new Error(`a health check named ${check.name} is there already`);
    this.#checks.push(check);
    return () => {
      const index = this.#checks.indexOf(check);
      if (index !== -1) this.#checks.splice(index, 1);
    };
  }

  readonly handler: PathHandler = (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    const [, endpoint = '', ...rest] = request.path.split('/');
    if (!endpoints.has(endpoint)) return undefined;
    const name = rest.join('/');
    return name === ''
      ? this.#all(endpoint as HealthEndpoint, request.query)
      : this.#one(endpoint as HealthEndpoint, name);
  };

  /** What the endpoint would answer, for callers in this process. */
  async passes(endpoint: HealthEndpoint): Promise<boolean> {
    const reasons = await Promise.all(this.#of(endpoint).map(run));
    return reasons.every((reason) => reason === undefined);
  }

  #of(endpoint: HealthEndpoint): readonly HealthCheck[] {
    return this.#checks.filter((check) => check.endpoints.includes(endpoint));
  }

  async #one(endpoint: HealthEndpoint, name: string): Promise<ApiResponse> {
    const check = this.#of(endpoint).find((each) => each.name === name);
    if (check === undefined) return textResponse(404, '404 page not found\n');
    const reason = await run(check);
    if (reason === undefined) return textResponse(200, 'ok');
    this.onFailure(endpoint, new Map([[name, reason]]));
    return textResponse(500, `internal server error: ${name} failed: reason withheld\n`);
  }

  async #all(endpoint: HealthEndpoint, query: URLSearchParams): Promise<ApiResponse> {
    const excluded = new Set(query.getAll('exclude').flatMap((value) => value.split(',')));
    const lines: string[] = [];
    const failures = new Map<string, string>();
    const checks = this.#of(endpoint);
    const reasons = await Promise.all(
      checks.map((check) => (excluded.has(check.name) ? undefined : run(check))),
    );
    for (const [index, check] of checks.entries()) {
      const reason = reasons[index];
      if (excluded.delete(check.name)) lines.push(`[+]${check.name} excluded: ok`);
      else if (reason === undefined) lines.push(`[+]${check.name} ok`);
      else {
        failures.set(check.name, reason);
        lines.push(`[-]${check.name} failed: reason withheld`);
      }
    }
    if (excluded.size > 0) {
      const names = [...excluded].map((name) => JSON.stringify(name)).join(',');
      lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
    }
    if (failures.size > 0) {
      this.onFailure(endpoint, failures);
      return textResponse(500, `${lines.join('\n')}\n${endpoint} check failed\n`);
    }
    return query.has('verbose')
      ? textResponse(200, `${lines.join('\n')}\n${endpoint} check passed\n`)
      : textResponse(200, 'ok');
  }
}

/** Why the check fails, undefined when it does not. */
async function run(check: HealthCheck): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${checkTimeoutMs} ms`), checkTimeoutMs);
    timer.unref();
  });
  try {
    return await Promise.race([check.check(), late]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}
