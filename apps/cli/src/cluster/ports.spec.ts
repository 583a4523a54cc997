import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { hostAndPort } from '../commands/options.js';
import { allocateEtcdPorts, allocatePorts, holdPort, portsOf, requireFree } from './ports.js';

describe('ports of a cluster', () => {
  it('takes free ones, all different, for port 0', async () => {
    const ports = portsOf(await allocatePorts(0, 3));
    expect(new Set(ports).size).toBe(17);
  });

  it('leaves all of them alone while another start holds the first', async () => {
    const held = await allocatePorts(0, 3);
    const hold = await holdPort(held.port);
    expect(await holdPort(held.port), 'nobody else can').toBeUndefined();
    const others = (
      await Promise.all(Array.from({ length: 20 }, async () => allocatePorts(0, 7, 8)))
    ).flatMap(portsOf);
    expect(others.filter((port) => portsOf(held).includes(port))).toEqual([]);
    await new Promise((resolve) => hold?.close(resolve));
  });

  it('names the busy port and what to do', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, () => resolve()));
    const { port } = server.address() as { port: number };
    await expect(requireFree([port], port)).rejects.toThrow(`port ${port} on 127.0.0.1 is in use`);
    await new Promise((resolve) => server.close(resolve));
  });

  it("gives each master one for etcd's clients: those behind the first, or free ones", async () => {
    const [free] = await allocateEtcdPorts(0, 1);
    const given = await allocateEtcdPorts(free!, 1);
    expect(given).toEqual([free]);
    expect(new Set(await allocateEtcdPorts(0, 3)).size).toBe(3);
  });

  it('reads a host and a port, and says what is wanted otherwise', () => {
    expect(hostAndPort('10.0.0.7:2379')).toEqual({ host: '10.0.0.7', port: 2379 });
    expect(hostAndPort('[::1]:0')).toEqual({ host: '::1', port: 0 });
    expect(hostAndPort(':2379')).toEqual({ host: '127.0.0.1', port: 2379 });
    for (const bad of ['2379', 'a:b', '::1:2379', 'host:70000']) {
      expect(() => hostAndPort(bad)).toThrow('a host and a port such as');
    }
  });
});
