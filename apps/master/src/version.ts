import { createRequire } from 'node:module';

interface PackageFacts {
  readonly version: string;
}

/** Version of the product, from its package. */
export function productVersion(): string {
  return (createRequire(import.meta.url)('#package.json') as PackageFacts).version;
}
