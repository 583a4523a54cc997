import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { allocatePorts, portsOf, requireFree } from './ports.js';

describe('ports of a cluster', () => {
  it('takes free ones, all different, for port 0', async () => {
    const ports = portsOf(await allocatePorts(0, 3));
    expect(new Set(ports).size).toBe(16);
  });

  it('names the busy port and what to do', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, () => resolve()));
    const { port } = server.address() as { port: number };
    await expect(requireFree([port], port)).rejects.toThrow(`port ${port} on 127.0.0.1 is in use`);
    await new Promise((resolve) => server.close(resolve));
  });
});
