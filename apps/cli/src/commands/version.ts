import { createRequire } from 'node:module';
import type { Command } from 'commander';
import { oneOf } from './options.js';

interface PackageFacts {
  readonly version: string;
}

export function packageVersion(): string {
  return (createRequire(import.meta.url)('#package.json') as PackageFacts).version;
}

export function addVersion(program: Command): void {
  program
    .command('version')
    .description('print the versions of Trireme, of the Kubernetes API it serves, and of Node')
    .addOption(oneOf('-o, --output <format>', 'output format', ['text', 'json']).default('text'))
    .action((flags: { readonly output: 'text' | 'json' }) => {
      const versions = { trireme: packageVersion(), kubernetes: '1.36', node: process.version };
      process.stdout.write(
        flags.output === 'json'
          ? `${JSON.stringify(versions)}\n`
          : `trireme ${versions.trireme} (Kubernetes API ${versions.kubernetes}, Node ${versions.node})\n`,
      );
    });
}
