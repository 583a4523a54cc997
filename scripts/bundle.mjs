// Joins what each program loads into few files under dist/bundle: loading a thousand modules one by one costs a master
// a second of its start and 40 MiB. Runs on what tsc has written; `dist/` itself stays as it is for libraries, loads and benches.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import ts from 'typescript';
import { root } from './ensure-ready.mjs';

/** Names are part of the contract: bin/, apps/cli/src/cluster/program.ts, the launchers of the consensus thread and of the log's, and the package's exports. */
const programs = {
  trireme: 'dist/apps/cli/src/main.js',
  master: 'dist/apps/master/src/main.js',
  node: 'dist/apps/node/src/main.js',
  library: 'dist/apps/cli/src/library/index.js',
  'thread-main': 'dist/libs/consensus/src/thread/thread-main.js',
  'log-thread-main': 'dist/libs/consensus/src/log/log-thread-main.js',
};

/** Loaded from node_modules: what Nest loads by name when it is used, and would then hold twice. */
export const notBundled = ['@grpc/grpc-js', '@grpc/proto-loader', 'ioredis'];

/** Not bundled: these, and what is not installed. */
const external = [
  ...notBundled,
  /^@nestjs\/(platform-express|websockets)(\/|$)/,
  /^@fastify\/(multipart|static|view)$/,
  /^@nats-io\/transport-node$/,
  /^(amqp-connection-manager|amqplib|cache-manager|class-transformer|class-validator|kafkajs|mqtt|nats)(\/|$)/,
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
  declareLibrary(folder);
}

/** The types of what the package exports, which stand in one file and refer to no other of ours. */
function declareLibrary(folder) {
  const fileName = join(root, 'apps', 'cli', 'src', 'library', 'index.ts');
  const { outputText, diagnostics } = ts.transpileDeclaration(readFileSync(fileName, 'utf8'), {
    fileName,
    compilerOptions: { target: ts.ScriptTarget.ES2023, isolatedDeclarations: true },
    reportDiagnostics: true,
  });
  if (diagnostics.length > 0) {
    throw new Error(
      `the library's types: ${ts.flattenDiagnosticMessageText(diagnostics[0].messageText, ' ')}`,
    );
  }
  writeFileSync(join(folder, 'library.d.ts'), outputText);
}

/** The dashboard's page with its libraries, straight from its sources: one script, one sheet, and nothing from elsewhere. */
export async function bundlePage() {
  const sources = join(root, 'apps', 'dashboard', 'page');
  const folder = join(root, 'dist', 'dashboard');
  const build = await rolldown({
    input: join(sources, 'src', 'main.tsx'),
    cwd: root,
    platform: 'browser',
    tsconfig: join(sources, 'tsconfig.json'),
    resolve: { extensionAlias: { '.js': ['.ts', '.tsx', '.js'] } },
    onLog(level, log) {
      if (level === 'warn') throw new Error(`bundling the page: ${log.message}`);
    },
  });
  rmSync(folder, { recursive: true, force: true });
  await build.write({ dir: folder, format: 'esm', entryFileNames: 'page.js', minify: true });
  await build.close();
  const sheets = [
    createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'),
    join(sources, 'page.css'),
  ];
  writeFileSync(join(folder, 'page.css'), sheets.map((sheet) => readFileSync(sheet, 'utf8')).join('\n'));
  for (const file of ['index.html', 'icon.svg']) copyFileSync(join(sources, file), join(folder, file));
}

if (process.argv[1] === import.meta.filename) {
  await bundle();
  await bundlePage();
}
