import type { Storage } from '#libs/consensus';
import type { Logger } from '#libs/telemetry';

/** How long an orderly end may wait for another replica to take over. */
const transferMs = 2_000;

/** Hands leadership to another replica before this one ends. A cluster without a quorum just ends. */
export async function handOver(storage: Storage, logger: Logger): Promise<void> {
  if (!storage.leadership.isLeader || storage.status().members.length === 1) return;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nobody took over within ${transferMs} ms`)), transferMs);
  });
  try {
    await Promise.race([storage.transferLeadership(), timeout]);
  } catch (error) {
    logger.warn({ error: (error as Error).message }, 'leadership was not handed over before the end');
  } finally {
    clearTimeout(timer);
  }
}
