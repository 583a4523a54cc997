import type { FaultNote, FaultOrder, Frame, ProbeAnswer, ProbeOrder } from '../../protocol.js';

/** Frames come each half second: a stream that is silent for longer has lost its master. */
const silenceMs = 2_500;
const retryMs = 200;

export interface LiveListener {
  readonly onFrame: (frame: Frame) => void;
  /** The stream broke, or never began; it is tried again. */
  readonly onLost: (why: string) => void;
}

/** Follows the stream of whichever master answers, until `signal` aborts. */
export async function follow(listener: LiveListener, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await readStream(listener, signal);
      listener.onLost('the master ended the stream');
    } catch (error) {
      if (!signal.aborted) listener.onLost((error as Error).message);
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

async function readStream({ onFrame }: LiveListener, signal: AbortSignal): Promise<void> {
  const watchdog = new AbortController();
  let timer: number | undefined;
  const fed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => watchdog.abort(new Error('the master has fallen silent')), silenceMs);
  };
  fed();
  try {
    const response = await fetch('stream', { signal: AbortSignal.any([signal, watchdog.signal]) });
    if (!response.ok || response.body === null) throw new Error(await problem(response));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      fed();
      text += value;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) onFrame(JSON.parse(line) as Frame);
    }
  } catch (error) {
    throw watchdog.signal.aborted ? watchdog.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Has the supervisor do a fault. Rejects with why it did not. */
export function order(fault: Omit<FaultOrder, 'id'>): Promise<FaultNote> {
  return post<FaultNote>('faults', { ...fault, id: crypto.randomUUID() }, 20_000);
}

/** One write through the log, to whichever master answers. */
export function probe(order: ProbeOrder): Promise<ProbeAnswer> {
  return post<ProbeAnswer>('probe', order, 4_000);
}

async function post<T>(path: string, body: unknown, timeoutMs: number): Promise<T> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-trireme-dashboard': '1' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) throw new Error(await problem(response));
  return (await response.json()) as T;
}

/** What a refusal says: a metav1.Status, or plain text. */
async function problem(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { message } = JSON.parse(text) as { readonly message?: string };
    return message ?? `answered ${response.status}`;
  } catch {
    return text === '' ? `answered ${response.status}` : text.slice(0, 300);
  }
}
