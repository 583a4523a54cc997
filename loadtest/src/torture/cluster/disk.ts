import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../../processes.js';

/** Unmounts the file systems of runs that were killed: their directories are named after their process. */
export async function unmountLeftovers(): Promise<void> {
  const mounted = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => /^\S+ (\S*\/trireme-torture-(\d+)-\S+)/.exec(line)?.slice(1) ?? []);
  // Later mounts stand on earlier ones.
  for (let i = mounted.length - 2; i >= 0; i -= 2) {
    if (!existsSync(`/proc/${mounted[i + 1]}`)) await runProgram('umount', [mounted[i]!]);
  }
}

const imageMiB = 640;
const belowMiB = 700;

/**
 * A file system of a master's own: ext4 on a loop device whose image lies in memory. Filling the file system is a full
 * disk; filling the memory below it makes writes to fresh blocks fail, as those of a dying disk do.
 */
export class Disk {
  readonly path: string;
  readonly #below: string;
  readonly #image: string;
  #mounted = false;

  private constructor(directory: string) {
    this.#below = join(directory, 'below');
    this.#image = join(this.#below, 'image');
    this.path = join(directory, 'disk');
  }

  static async create(directory: string): Promise<Disk> {
    const disk = new Disk(directory);
    mkdirSync(disk.#below, { recursive: true });
    mkdirSync(disk.path, { recursive: true });
    await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${belowMiB}m`, 'tmpfs', disk.#below]);
    try {
      writeFileSync(disk.#image, '');
      truncateSync(disk.#image, imageMiB << 20);
      await runProgram('mkfs.ext4', ['-q', '-F', '-m', '0', disk.#image]);
      await disk.#mount();
    } catch (error) {
      await disk.remove();
      throw error;
    }
    return disk;
  }

  async #mount(): Promise<void> {
    await runProgram('mount', ['-o', 'loop', this.#image, this.path]);
    this.#mounted = true;
  }

  async fill(): Promise<void> {
    await fill(this.path);
  }

  async fail(): Promise<void> {
    await fill(this.#below);
  }

  /** Only while nothing on it is open for writing. */
  async makeReadOnly(): Promise<void> {
    await runProgram('mount', ['-o', 'remount,ro', this.path]);
  }

  async makeWritable(): Promise<void> {
    await runProgram('mount', ['-o', 'remount,rw', this.path]);
  }

  free(): void {
    rmSync(join(this.path, fillerName), { force: true });
    rmSync(join(this.#below, fillerName), { force: true });
  }

  /** After failures: what the journal and a check of the file system can save. Nothing may have it open. */
  async repair(): Promise<void> {
    await runProgram('umount', [this.path]);
    this.#mounted = false;
    rmSync(join(this.#below, fillerName), { force: true });
    // Exit code 1 says that it mended something.
    await runProgram('e2fsck', ['-f', '-y', this.#image]).catch((error: Error) => {
      if (/uncorrected|aborted/i.test(error.message)) throw error;
    });
    await this.#mount();
  }

  async remove(): Promise<void> {
    if (this.#mounted) await runProgram('umount', [this.path]);
    this.#mounted = false;
    await runProgram('umount', [this.#below]);
  }
}

const fillerName = 'filler';

async function fill(path: string): Promise<void> {
  const { bavail, bsize } = statfsSync(path);
  // In two steps: what the file system itself needs for so large a file is not known before.
  await runProgram('fallocate', [
    '-l',
    String(Math.max(1, bavail * bsize - (1 << 20))),
    join(path, fillerName),
  ]);
  for (let bytes = 1 << 19; bytes >= 4_096; bytes >>= 1) {
    const { size } = statSync(join(path, fillerName));
    const grow = runProgram('fallocate', ['-o', String(size), '-l', String(bytes), join(path, fillerName)]);
    // Refused: it is nearly full; the next, smaller piece may still fit.
    await grow.catch(() => undefined);
  }
}
