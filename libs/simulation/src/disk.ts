import type { Disk, DiskFile } from '#libs/consensus';
import { Directory, Inode } from './disk-files.js';
import type { Loop } from './event-queue.js';
import type { Stream } from './random.js';
import type { Simulator } from './simulator.js';

/** What a disk does to a call, drawn for each: an errno code, or undefined when it does what it is asked to. */
export type DiskFault = (call: 'open' | 'write' | 'sync', path: string) => string | undefined;

interface OpenFile {
  readonly inode: Inode;
  readonly path: string;
  /** What is written is durable when its write is done. */
  readonly synchronous: boolean;
  /** Of a directory: opened to be synced. */
  readonly directory: Directory | undefined;
  /** Where the promise interface writes next. */
  position: number;
}

interface WriteInFlight {
  readonly inode: Inode;
  readonly bytes: Uint8Array;
  readonly at: number;
}

type Done = (error: NodeJS.ErrnoException | null, written: number) => void;

function failure(code: string, syscall: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: simulated, ${syscall} '${path}'`), { code, syscall, path });
}

const parent = (path: string): string => path.slice(0, path.lastIndexOf('/'));
const leaf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The disk of one machine. It outlives the processes that use it; each thread has its own `view` of it. */
export class SimulatedDisk {
  private readonly directories = new Map<string, Directory>();
  private readonly open = new Map<number, OpenFile>();
  private readonly writing = new Set<WriteInFlight>();
  private nextFd = 3;
  fault: DiskFault = () => undefined;
  /** Mean of an asynchronous call, in milliseconds. */
  latencyMs = 0.15;

  constructor(
    private readonly simulator: Simulator,
    private readonly random: Stream,
    private readonly sectorBytes: number,
  ) {}

  /** All handles are gone with their process. Without its power the machine forgets what was not synced. */
  crash(losesPower: boolean): { readonly sectors: number; readonly names: number; readonly torn: number } {
    this.open.clear();
    let [sectors, names, torn] = [0, 0, 0];
    for (const { inode, bytes, at } of this.writing) {
      // Neither done nor undone: the kernel goes on with it or had not begun; a power cut stops it half-way.
      if (!losesPower && this.random.chance(0.5)) continue;
      inode.write(bytes, at);
      if (losesPower) torn += 1;
    }
    this.writing.clear();
    if (!losesPower) return { sectors, names, torn };
    for (const inode of this.inodes()) sectors += inode.losePower(this.random);
    for (const directory of this.directories.values()) names += directory.losePower(this.random);
    return { sectors, names, torn };
  }

  /** Each once, also those that have lost their name but may get it back. */
  private inodes(): Set<Inode> {
    const all = new Set<Inode>();
    for (const directory of this.directories.values()) for (const each of directory.all()) all.add(each);
    return all;
  }

  /** The file's bytes, for those that damage them; undefined when there is none. */
  file(path: string): Inode | undefined {
    return this.directories.get(parent(path))?.entries.get(leaf(path));
  }

  list(path: string): readonly string[] {
    return [...(this.directories.get(path)?.entries.keys() ?? [])].sort();
  }

  view(loop: Loop): Disk {
    return {
      mkdirSync: (path) => this.makeDirectory(path),
      readdirSync: (path) => {
        if (!this.directories.has(path)) throw failure('ENOENT', 'scandir', path);
        return [...this.list(path)];
      },
      existsSync: (path) => this.directories.has(path) || this.file(path) !== undefined,
      readFileSync: (path) => {
        const inode = this.find(path, 'open');
        return Buffer.from(inode.cache.subarray(0, inode.size));
      },
      openSync: (path, flags) => this.openFile(path, flags),
      fstatSync: (fd) => ({ size: this.handle(fd).inode.size }),
      readSync: (fd, into, offset, length, position) => {
        const { inode } = this.handle(fd);
        const end = Math.min(inode.size, position + length);
        if (end <= position) return 0;
        into.set(inode.cache.subarray(position, end), offset);
        return end - position;
      },
      writeSync: (fd, bytes, offset, length, position) => {
        const file = this.handle(fd);
        this.refuse('write', file.path);
        file.inode.write(bytes.subarray(offset, offset + length), position);
        if (file.synchronous) file.inode.sync(position, position + length);
        return length;
      },
      fsyncSync: (fd) => this.sync(this.handle(fd)),
      closeSync: (fd) => void this.open.delete(fd),
      renameSync: (from, to) => this.rename(from, to),
      unlinkSync: (path) => this.unlink(path),
      rmSync: (path) => {
        if (this.file(path) !== undefined) this.unlink(path);
      },
      write: (fd, bytes, offset, length, position, done) =>
        this.startWrite(loop, this.handle(fd), bytes.subarray(offset, offset + length), position, done),
      fdatasync: (fd, done) => {
        const file = this.handle(fd);
        this.later(
          loop,
          () => this.attempt(() => this.sync(file)),
          (error) => done(error),
        );
      },
      promises: {
        open: (path, flags) => this.promise(loop, () => this.promisedFile(loop, this.openFile(path, flags))),
        rename: (from, to) => this.promise(loop, () => this.rename(from, to)),
        unlink: (path) => this.promise(loop, () => this.unlink(path)),
      },
    };
  }

  private makeDirectory(path: string): void {
    if (!this.directories.has(path)) this.directories.set(path, new Directory());
  }

  private handle(fd: number): OpenFile {
    const file = this.open.get(fd);
    if (file === undefined) throw failure('EBADF', 'write', `descriptor ${fd}`);
    return file;
  }

  private find(path: string, syscall: string): Inode {
    const inode = this.file(path);
    if (inode === undefined) throw failure('ENOENT', syscall, path);
    return inode;
  }

  private refuse(call: 'open' | 'write' | 'sync', path: string): void {
    const code = this.fault(call, path);
    if (code !== undefined) throw failure(code, call === 'sync' ? 'fsync' : call, path);
  }

  private openFile(path: string, flags: string | number): number {
    const directory = this.directories.get(path);
    const fd = this.nextFd;
    this.nextFd += 1;
    const synchronous = typeof flags === 'number';
    if (directory !== undefined) {
      const inode = new Inode(this.sectorBytes);
      this.open.set(fd, { inode, path, synchronous, directory, position: 0 });
      return fd;
    }
    const inode = flags === 'w' ? this.create(path) : this.find(path, 'open');
    this.open.set(fd, { inode, path, synchronous, directory: undefined, position: 0 });
    return fd;
  }

  private create(path: string): Inode {
    this.refuse('open', path);
    const directory = this.directories.get(parent(path));
    if (directory === undefined) throw failure('ENOENT', 'open', path);
    const inode = new Inode(this.sectorBytes);
    directory.change((entries) => entries.set(leaf(path), inode));
    return inode;
  }

  private rename(from: string, to: string): void {
    const inode = this.find(from, 'rename');
    const directory = this.directories.get(parent(to));
    if (directory === undefined || parent(from) !== parent(to)) throw failure('EXDEV', 'rename', to);
    directory.change((entries) => {
      entries.delete(leaf(from));
      entries.set(leaf(to), inode);
    });
  }

  private unlink(path: string): void {
    this.find(path, 'unlink');
    this.directories.get(parent(path))?.change((entries) => entries.delete(leaf(path)));
  }

  private sync({ inode, directory, path }: OpenFile): void {
    this.refuse('sync', path);
    if (directory === undefined) inode.sync();
    else directory.sync();
  }

  /** The disk's part happens whether or not the process runs; the process hears of it when it does. */
  private later(
    loop: Loop,
    work: () => NodeJS.ErrnoException | null,
    tell: (error: NodeJS.ErrnoException | null) => void,
  ): void {
    this.simulator.after(this.random.around(this.latencyMs) + 0.02, 'disk', undefined, () => {
      if (!loop.alive) return;
      const error = work();
      if (loop.paused) this.simulator.after(0, 'disk', loop, () => tell(error));
      else tell(error);
    });
  }

  private attempt(work: () => void): NodeJS.ErrnoException | null {
    try {
      work();
      return null;
    } catch (error) {
      return error as NodeJS.ErrnoException;
    }
  }

  private startWrite(loop: Loop, file: OpenFile, bytes: Uint8Array, at: number, done: Done): void {
    const inFlight: WriteInFlight = { inode: file.inode, bytes, at };
    this.writing.add(inFlight);
    const work = (): NodeJS.ErrnoException | null => {
      this.writing.delete(inFlight);
      return this.attempt(() => {
        this.refuse('write', file.path);
        file.inode.write(bytes, at);
        if (file.synchronous) file.inode.sync(at, at + bytes.length);
      });
    };
    this.later(loop, work, (error) => done(error, bytes.length));
  }

  private promise<T>(loop: Loop, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let result: T;
      const attempt = (): NodeJS.ErrnoException | null => this.attempt(() => void (result = work()));
      this.later(loop, attempt, (error) => (error === null ? resolve(result) : reject(error)));
    });
  }

  private promisedFile(loop: Loop, fd: number): DiskFile {
    return {
      write: (bytes, offset = 0, length = bytes.length - offset, position = undefined) =>
        this.promise(loop, () => {
          const file = this.handle(fd);
          this.refuse('write', file.path);
          const at = position ?? file.position;
          file.inode.write(bytes.subarray(offset, offset + length), at);
          if (position === undefined) file.position = at + length;
          return { bytesWritten: length };
        }),
      sync: () => this.promise(loop, () => this.sync(this.handle(fd))),
      close: () => this.promise(loop, () => void this.open.delete(fd)),
    };
  }
}
