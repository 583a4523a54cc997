import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Message } from '#libs/raft';
import { encodeFrame, frameKind } from './frame.js';
import { writeMessage } from './message-codec.js';
import { PeerClient } from './peer-client.js';
import type { PeerClientOptions } from './peer-client.js';

const chunkBytes = 256 << 10;

type Connection = Pick<
  PeerClientOptions,
  'clusterId' | 'self' | 'peer' | 'tls' | 'silenceMs' | 'onSent' | 'onWarning'
>;

/**
 * Streams a snapshot file to a peer over a connection of its own, so that heartbeats never wait behind it,
 * at the pace of the peer. Resolves true once the peer has it durably, false when it does not: refused, disconnected,
 * or silent for `silenceMs`, in which it neither took bytes nor answered a ping.
 */
export function sendSnapshot(path: string, announcement: Message, connection: Connection): Promise<boolean> {
  return new Promise((resolve) => {
    const client: PeerClient = new PeerClient({
      ...connection,
      channel: 'snapshot',
      maxQueuedBytes: Number.MAX_SAFE_INTEGER,
      onRoundTrip: () => undefined,
      // The connection for messages says it, too.
      onRemoved: () => undefined,
      onConnect: () => {
        stream(client, path, announcement).catch((error: Error) => {
          connection.onWarning(`snapshot ${path} could not be sent: ${error.message}`);
          client.close();
        });
      },
      onAcknowledged: () => {
        resolve(true);
        client.close();
      },
      onDisconnect: () => resolve(false),
    });
    void client.connect();
  });
}

async function stream(client: PeerClient, path: string, announcement: Message): Promise<void> {
  const file = await open(path, 'r');
  let crc = 0;
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(chunkBytes);
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, null);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      crc = crc32(chunk, crc);
      client.sendFrame(encodeFrame(frameKind.snapshotChunk, (writer) => writer.raw(chunk), bytesRead + 16));
      await client.drained();
      if (!client.connected) throw new Error('the connection was lost');
    }
  } finally {
    await file.close();
  }
  const end = encodeFrame(frameKind.snapshotEnd, (writer) => {
    writer.u32(crc);
    writeMessage(writer, announcement);
  });
  client.sendFrame(end);
}
