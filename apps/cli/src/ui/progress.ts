/**
 * Steps as kind shows them: a spinner while one runs, then `✓ step`; plain lines without a terminal. All of it goes
 * to stderr: stdout belongs to data.
 */
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export interface ProgressOptions {
  readonly quiet?: boolean;
  readonly stream?: NodeJS.WriteStream;
}

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #quiet: boolean;
  readonly #animated: boolean;
  readonly #colour: boolean;

  constructor(options: ProgressOptions = {}) {
    this.#stream = options.stream ?? process.stderr;
    this.#quiet = options.quiet === true;
    this.#colour = this.#stream.isTTY && process.env['NO_COLOR'] === undefined;
    this.#animated = this.#stream.isTTY && process.env['TERM'] !== 'dumb';
  }

  /** Runs one step; its mark turns red when it throws. */
  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    const stop = this.#spin(title);
    try {
      const result = await work();
      stop();
      this.#line(this.#paint(32, '✓'), title);
      return result;
    } catch (error) {
      stop();
      this.#line(this.#paint(31, '✗'), title);
      throw error;
    }
  }

  info(text: string): void {
    if (!this.#quiet) this.#stream.write(`${text}\n`);
  }

  #spin(title: string): () => void {
    if (this.#quiet || !this.#animated) return () => {};
    let frame = 0;
    const draw = (): void => {
      this.#stream.write(`\r\u001b[K ${frames[frame++ % frames.length]} ${title} …`);
    };
    draw();
    const timer = setInterval(draw, 80);
    return () => {
      clearInterval(timer);
      this.#stream.write('\r\u001b[K');
    };
  }

  #line(mark: string, title: string): void {
    if (!this.#quiet) this.#stream.write(` ${mark} ${title}\n`);
  }

  #paint(code: number, text: string): string {
    return this.#colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}
