import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The redis-server of the PATH, as a real process on loopback that can be killed, stopped and started anew. */
export class TestRedis {
  readonly #directory = mkdtempSync(join(tmpdir(), 'trireme-redis-'));
  #args: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    args: readonly string[],
  ) {
    this.#args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      this.#directory,
      '--save',
      '',
      ...args,
    ];
  }

  /** With `args`, such as `--requirepass x`. */
  static async start(args: readonly string[] = []): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), args);
    await redis.restart();
    return redis;
  }

  /** Speaks TLS with this key, its certificate and its authority (PEM); asks clients for none. */
  static async startTls(pair: { certificate: string; privateKey: string }, ca: string): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), []);
    const files = { cert: pair.certificate, key: pair.privateKey, 'ca-cert': ca };
    const flags = Object.entries(files).flatMap(([name, pem]) => {
      const path = join(redis.#directory, name);
      writeFileSync(path, pem, { mode: 0o600 });
      return [`--tls-${name}-file`, path];
    });
    // In the place of the plain port.
    redis.#args = [
      '--tls-port',
      String(redis.port),
      '--port',
      '0',
      '--tls-auth-clients',
      'no',
      ...flags,
      ...redis.#args.slice(2),
    ];
    await redis.restart();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async restart(): Promise<void> {
    this.#process = spawn('redis-server', this.#args, { stdio: 'ignore' });
    for (let tries = 0; !(await answers(this.port)); tries++) {
      if (tries > 1_000) throw new Error('redis-server does not start');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
