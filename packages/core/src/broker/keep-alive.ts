/** Keeps the process alive while `wait` lasts: the timers of a clock do not, and Node ends when nothing else is open. */
export async function keepAlive<R>(wait: Promise<R>): Promise<R> {
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    return await wait;
  } finally {
    clearInterval(alive);
  }
}
