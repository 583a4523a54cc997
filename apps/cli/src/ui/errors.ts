/** A failure that the user can do something about: what happened, what to do, and where to look. */
export class UserError extends Error {
  override readonly name = 'UserError';
  constructor(
    message: string,
    readonly hint?: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

/** Prints a failure without a stack trace (TRIREME_DEBUG=1 shows it) and returns the exit code. */
export function reportError(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`error: ${message}\n`);
  if (error instanceof UserError && error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`);
  if (process.env['TRIREME_DEBUG'] === '1' && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
  return error instanceof UserError ? error.exitCode : 1;
}
