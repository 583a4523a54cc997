// Joins what each program loads into few files under dist/bundle: loading a thousand modules one by one costs a master
// a second of its start and 40 MiB. Runs on what tsc has written; `dist/` itself stays as it is for libraries, loads and benches.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './ensure-ready.mjs';

/** Names are part of the contract: bin/, apps/cli/src/cluster/program.ts and the consensus thread's launcher start them. */
const programs = {
  trireme: 'dist/apps/cli/src/main.js',
  master: 'dist/apps/master/src/main.js',
  node: 'dist/apps/node/src/main.js',
  'thread-main': 'dist/libs/consensus/src/thread/thread-main.js',
};

/** Not bundled: what Nest loads by name when it is used, and would then hold twice; and what is not installed. */
const external = [
  /^@grpc\/(grpc-js|proto-loader)$/,
  /^@nestjs\/(platform-express|websockets)(\/|$)/,
  /^@fastify\/(multipart|static|view)$/,
  /^@nats-io\/transport-node$/,
  /^(amqp-connection-manager|amqplib|cache-manager|class-transformer|class-validator|ioredis|kafkajs|mqtt|nats)(\/|$)/,
];

export async function bundle() {
  const folder = join(root, 'dist', 'bundle');
  const build = await rolldown({
    input: programs,
    cwd: root,
    platform: 'node',
    external,
    onLog(level, log) {
      if (level !== 'warn') return;
      throw new Error(`bundling: ${log.message}`);
    },
  });
  rmSync(folder, { recursive: true, force: true });
  await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks-[name]-[hash].js',
  });
  await build.close();
}

if (process.argv[1] === import.meta.filename) await bundle();
