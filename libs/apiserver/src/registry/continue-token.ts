import { badRequest } from '#libs/apimachinery';

/** Where a list goes on: at a revision, from a key. Revision -1 asks for the newest, inconsistent with what came before. */
export interface ContinueToken {
  readonly revision: number;
  /** First key of the next page, relative to the list's prefix. */
  readonly start: string;
}

/** base64url JSON, opaque to clients. */
export function encodeContinue(token: ContinueToken): string {
  return Buffer.from(
    JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: token.start }),
  ).toString('base64url');
}

/** Throws ApiError 400 for what this server did not make. */
export function decodeContinue(text: string): ContinueToken {
  let token: unknown;
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    throw invalid();
  }
  if (typeof token !== 'object' || token === null) throw invalid();
  const { v, rv, start } = token as { v?: unknown; rv?: unknown; start?: unknown };
  if (v !== 'meta.k8s.io/v1' || typeof start !== 'string' || start === '') throw invalid();
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0 || rv < -1) throw invalid();
  return { revision: rv, start };
}

function invalid() {
  return badRequest('continue key is not valid');
}
