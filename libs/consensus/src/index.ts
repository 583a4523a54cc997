export * from './storage.js';
export { createMemoryStorage } from './memory-storage.js';
export type { MemoryStorage, MemoryStorageClock, MemoryStorageOptions } from './memory-storage.js';
