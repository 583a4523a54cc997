import * as fs from 'node:fs';

/** An open file of the promise interface. */
export interface DiskFile {
  write(
    bytes: Uint8Array,
    offset?: number,
    length?: number,
    position?: number,
  ): Promise<{ readonly bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

type Failure = NodeJS.ErrnoException | null;

/**
 * The file system under log, snapshots and identity: the calls of `node:fs` that this room makes, with the shapes and
 * the errors (`code`, `syscall`) they have there. What a crash leaves of each is what POSIX promises and no more.
 */
export interface Disk {
  mkdirSync(path: string, options: { readonly recursive: true; readonly mode: number }): unknown;
  readdirSync(path: string): string[];
  existsSync(path: string): boolean;
  readFileSync(path: string): Buffer;
  openSync(path: string, flags: string | number, mode?: number): number;
  fstatSync(fd: number): { readonly size: number };
  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number;
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  fsyncSync(fd: number): void;
  closeSync(fd: number): void;
  renameSync(from: string, to: string): void;
  unlinkSync(path: string): void;
  rmSync(path: string, options: { readonly force: true }): void;
  write(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: Failure, written: number) => void,
  ): void;
  fdatasync(fd: number, done: (error: Failure) => void): void;
  readonly promises: {
    open(path: string, flags: string, mode?: number): Promise<DiskFile>;
    rename(from: string, to: string): Promise<void>;
    unlink(path: string): Promise<void>;
    /** Room of the file system in blocks; absent where it is not known. */
    statfs?(path: string): Promise<{ readonly bavail: number; readonly bsize: number }>;
  };
}

/** The machine's own. */
export const nodeDisk: Disk = fs;
