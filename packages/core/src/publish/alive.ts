/**
 * Keeps the process alive while calls are under way. Node ends when nothing is open that it waits for, and the timers
 * of a clock and the sockets of many brokers are not: a program that awaits a publish would end in its middle.
 */
export interface Alive {
  /** One call begins. Each begin is followed by one `end`. */
  begin(): void;
  end(): void;
}

export function createAlive(): Alive {
  let running = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    begin: () => {
      running += 1;
      timer ??= setInterval(() => {}, longestTimerMs);
    },
    end: () => {
      running -= 1;
      if (running > 0) return;
      clearInterval(timer);
      timer = undefined;
    },
  };
}

const longestTimerMs = 2 ** 31 - 1;
