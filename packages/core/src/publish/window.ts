import { createAbortWatch } from "../abort-watch.ts";
import type { Clock } from "../contracts/clock.ts";
import { MessagingError } from "../errors.ts";
import { createDeadlines } from "./deadlines.ts";
import { createFifo } from "./fifo.ts";
import { givenUp } from "./outcomes.ts";

/** How much may be under way to the broker at once. */
export interface WindowLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** `wait` holds the caller back until its deadline; `reject` fails at once with TRANSPORT_FULL. */
  readonly whenFull: "wait" | "reject";
}

/**
 * Admission in front of a transport: no client library bounds its buffer, so this does. First come, first served: a
 * large message is not overtaken for ever by small ones.
 */
export interface Window {
  /**
   * Resolves when there is room; the returned function gives the room back, once.
   *
   * @throws MessagingError TRANSPORT_FULL at once or when the deadline passes; TRANSPORT_DEADLINE when the signal
   * fires; USAGE_CLOSED after `close`.
   */
  enter(bytes: number, deadlineMs: number, signal?: AbortSignal): Leave | Promise<Leave>;
  /** Fails everybody who waits. */
  close(): void;
  readonly messages: number;
  readonly waiting: number;
}

type Leave = () => void;

interface Waiter {
  readonly bytes: number;
  admit(): void;
  refuse(error: MessagingError): void;
}

export function createWindow(limits: WindowLimits, clock: Clock): Window {
  const deadlines = createDeadlines(clock);
  const watch = createAbortWatch();
  const queue = createFifo<Waiter>();
  let messages = 0;
  let bytesHeld = 0;
  let closed = false;

  // A message larger than the whole window gets in alone, or it never would.
  const fits = (bytes: number) =>
    messages === 0 || (messages < limits.maxMessages && bytesHeld + bytes <= limits.maxBytes);
  const admit = (bytes: number): Leave => {
    messages += 1;
    bytesHeld += bytes;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      messages -= 1;
      bytesHeld -= bytes;
      admitNext();
    };
  };
  const admitNext = (): void => {
    for (let { first } = queue; !closed && first !== undefined && fits(first.bytes); { first } = queue) {
      queue.shift();
      first.admit();
    }
  };

  const wait = (bytes: number, deadlineMs: number, signal: AbortSignal | undefined): Promise<Leave> =>
    new Promise((resolve, reject) => {
      const end = () => {
        takeOut();
        cancel();
        unwatch();
      };
      const giveUp = (error: MessagingError) => {
        end();
        reject(error);
        admitNext(); // the next may be smaller
      };
      const cancel = deadlines.add(clock.monotonicMs() + deadlineMs, () =>
        giveUp(full(limits, "No room came free before the deadline")),
      );
      const unwatch = watch(signal, () => giveUp(givenUp("The wait for room", signal?.reason)));
      const takeOut = queue.push({
        bytes,
        admit: () => {
          end();
          resolve(admit(bytes));
        },
        refuse: giveUp,
      });
    });

  return {
    enter: (bytes, deadlineMs, signal) => {
      if (closed) throw closedError("is");
      if (signal?.aborted === true) throw givenUp("This publish", signal.reason);
      if (queue.size === 0 && fits(bytes)) return admit(bytes);
      if (limits.whenFull === "reject") throw full(limits, "The publish window is full");
      return wait(bytes, deadlineMs, signal);
    },
    close: () => {
      closed = true;
      for (let next = queue.shift(); next !== undefined; next = queue.shift())
        next.refuse(closedError("was"));
      deadlines.clear();
    },
    get messages() {
      return messages;
    },
    get waiting() {
      return queue.size;
    },
  };
}

function closedError(tense: "is" | "was"): MessagingError {
  return new MessagingError("USAGE_CLOSED", `The publisher ${tense} closed.`);
}

function full(limits: WindowLimits, what: string): MessagingError {
  return new MessagingError(
    "TRANSPORT_FULL",
    `${what} (${limits.maxMessages} messages, ${limits.maxBytes} bytes): the broker confirms slower than you publish.`,
    { context: { maxMessages: limits.maxMessages, maxBytes: limits.maxBytes } },
  );
}
