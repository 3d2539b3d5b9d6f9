// Imported, not global: a test that replaces the global timers does not stop the broker.
import { nextTick } from "node:process";
import { setImmediate } from "node:timers";

/**
 * The broker's side of the wire: what clients ask is done in a later turn of the event loop, in the order asked.
 * A real turn and not a microtask: a client in a tight loop cannot starve timers and I/O, as it could not over a socket.
 */
export interface Turns {
  /** Runs `task` in the next turn; settles with what it returns or throws. */
  request<T>(task: () => T): Promise<T>;
  /** Makes sure that a turn comes. */
  ask(): void;
}

/** `atEnd` runs once per turn, after everything that was asked and after those who asked have their answers. */
export function createTurns(atEnd: () => void): Turns {
  let tasks: (() => void)[] = [];
  let asked = false;

  const ask = (): void => {
    if (asked) return;
    asked = true;
    setImmediate(turn);
  };
  const turn = (): void => {
    asked = false;
    const due = tasks;
    tasks = [];
    for (const task of due) task();
    queueMicrotask(afterAnswers);
  };
  // A tick that is asked for by a microtask comes when no microtask is left: so whoever awaits an acknowledgement goes
  // on before the next delivery is handed over, however many promises stand in between.
  const afterAnswers = (): void => nextTick(atEnd);

  return {
    ask,
    request: (task) =>
      new Promise((resolve, reject) => {
        tasks.push(() => {
          try {
            resolve(task());
          } catch (error) {
            reject(error);
          }
        });
        ask();
      }),
  };
}
