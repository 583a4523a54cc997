/** Whoever reads may have seen enough (`| head`): that ends the program, and is no fault of it. */
export function endOfReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
