export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const anyIp = '0.0.0.0';

/** Host ports in use on a node. The same port and protocol clash on one address, and on any where one is 0.0.0.0. */
export class HostPorts {
  readonly #used = new Map<string, Map<string, number>>();

  count({ ip, protocol, port }: HostPort, sign: 1 | -1): void {
    const key = `${protocol}/${port}`;
    let addresses = this.#used.get(key);
    if (addresses === undefined) this.#used.set(key, (addresses = new Map()));
    const users = (addresses.get(ip) ?? 0) + sign;
    if (users > 0) addresses.set(ip, users);
    else addresses.delete(ip);
    if (addresses.size === 0) this.#used.delete(key);
  }

  conflicts({ ip, protocol, port }: HostPort): boolean {
    const addresses = this.#used.get(`${protocol}/${port}`);
    if (addresses === undefined) return false;
    return ip === anyIp || addresses.has(anyIp) || addresses.has(ip);
  }
}
