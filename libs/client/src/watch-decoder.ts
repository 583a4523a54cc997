export interface WatchFrame {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: unknown;
}

const newline = 0x0a;

/**
 * Splits a watch body (one JSON document a line) into frames. `push` calls `onFrame` for each whole line and throws
 * RangeError once a line passes `maxFrameBytes`, so that a server gone wrong cannot fill memory.
 */
export function createWatchDecoder(
  onFrame: (frame: WatchFrame) => void,
  maxFrameBytes = 8 * 1_024 * 1_024,
): { push(chunk: Buffer): void } {
  let held: Buffer[] = [];
  let heldBytes = 0;
  const emit = (tail: Buffer): void => {
    const line = held.length === 0 ? tail : Buffer.concat([...held, tail]);
    held = [];
    heldBytes = 0;
    const text = line.toString('utf8').trim();
    if (text !== '') onFrame(JSON.parse(text) as WatchFrame);
  };
  return {
    push(chunk) {
      let start = 0;
      for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, start)) {
        emit(chunk.subarray(start, at));
        start = at + 1;
      }
      if (start === chunk.length) return;
      const rest = chunk.subarray(start);
      heldBytes += rest.length;
      if (heldBytes > maxFrameBytes)
        throw new RangeError(`a watch frame is larger than ${maxFrameBytes} bytes`);
      held.push(rest);
    },
  };
}
