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
  const known = isUserError(error) ? error : undefined;
  if (known?.hint !== undefined) process.stderr.write(`  ${known.hint}\n`);
  if (process.env['TRIREME_DEBUG'] === '1' && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
  return known?.exitCode ?? 1;
}

/** By its name: what the lab throws is of the same class in another file than the bundle's. */
function isUserError(error: unknown): error is UserError {
  return error instanceof Error && error.name === 'UserError';
}
