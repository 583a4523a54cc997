import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { UnaryResponse } from '#libs/apiserver';

/** By the package's root, not by this file's place: programs are bundled. */
const root = dirname(createRequire(import.meta.url).resolve('#package.json'));

const files: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '': { file: 'index.html', type: 'text/html; charset=utf-8' },
  'page.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
  'page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
  'icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
};

/** Nothing from elsewhere, nothing inline, nothing framed, no form and no base: what the page needs, and that only. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

export const securityHeaders = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/** A file of the page by its name behind /dashboard/; undefined where there is none. */
export function asset(name: string): UnaryResponse | undefined {
  const known = Object.hasOwn(files, name) ? files[name] : undefined;
  if (known === undefined) return undefined;
  return {
    kind: 'unary',
    status: 200,
    headers: { ...securityHeaders, 'content-type': known.type },
    chunks: [readFileSync(join(root, 'dist', 'dashboard', known.file))],
  };
}
