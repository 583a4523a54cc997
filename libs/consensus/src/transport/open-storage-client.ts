import type { StorageClient, StorageClientOptions } from './storage-client.js';

/** Loaded only where it is used: a master needs no client of its own, and Nest's proxies cost its start 0.1 s. */
export async function openStorageClient(options: StorageClientOptions): Promise<StorageClient> {
  const { StorageClient } = await import('./storage-client.js');
  return new StorageClient(options);
}
