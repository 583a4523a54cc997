import { readFileSync } from 'node:fs';

interface PackageFacts {
  readonly version: string;
}

/** Version of the product, from its package. */
export function productVersion(): string {
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as PackageFacts).version;
}
