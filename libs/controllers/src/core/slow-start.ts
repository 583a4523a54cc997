/**
 * Runs `count` calls in batches of 1, 2, 4, … so that a cause that fails all of them (a quota, a bad template) costs
 * a few calls, not `count`. Stops after the batch in which one failed.
 */
export async function slowStart(
  count: number,
  call: (index: number) => Promise<void>,
): Promise<{ readonly succeeded: number; readonly error: unknown }> {
  let started = 0;
  let succeeded = 0;
  for (let size = 1; started < count; size *= 2) {
    const batch = Math.min(size, count - started);
    const from = started;
    started += batch;
    const results = await Promise.allSettled(Array.from({ length: batch }, (_, at) => call(from + at)));
    const failure = results.find((result) => result.status === 'rejected');
    succeeded += results.filter((result) => result.status === 'fulfilled').length;
    if (failure !== undefined) return { succeeded, error: failure.reason };
  }
  return { succeeded, error: undefined };
}

/** Runs all, at most `limit` at a time; throws the first error once all have ended. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  call: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const errors: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) {
      try {
        await call(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
}
