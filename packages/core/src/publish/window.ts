import type { Clock } from "../contracts/clock.ts";
import { MessagingError } from "../errors.ts";

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
   * @throws MessagingError TRANSPORT_FULL at once or when the deadline passes; USAGE_CLOSED after `close`.
   */
  enter(bytes: number, deadlineMs: number, signal?: AbortSignal): (() => void) | Promise<() => void>;
  /** Fails everybody who waits. */
  close(): void;
  readonly messages: number;
  readonly waiting: number;
}

interface Waiter {
  readonly bytes: number;
  admit(): void;
  refuse(error: unknown): void;
}

export function createWindow(limits: WindowLimits, clock: Clock): Window {
  let messages = 0;
  let bytesHeld = 0;
  let closed = false;
  const queue: Waiter[] = [];

  // A message larger than the whole window gets in alone, or it never would.
  const fits = (bytes: number) =>
    messages === 0 || (messages < limits.maxMessages && bytesHeld + bytes <= limits.maxBytes);
  const admit = (bytes: number): (() => void) => {
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
    for (let first = queue[0]; first !== undefined && fits(first.bytes); first = queue[0]) {
      queue.shift();
      first.admit();
    }
  };
  const remove = (waiter: Waiter): void => {
    const at = queue.indexOf(waiter);
    if (at >= 0) queue.splice(at, 1);
    admitNext();
  };

  const wait = (bytes: number, deadlineMs: number, signal: AbortSignal | undefined): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const finish = () => {
        cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        bytes,
        admit: () => {
          finish();
          resolve(admit(bytes));
        },
        refuse: (error) => {
          finish();
          reject(error instanceof Error ? error : new Error("refused", { cause: error }));
        },
      };
      const onAbort = () => {
        remove(waiter);
        waiter.refuse(signal?.reason);
      };
      const cancel = clock.schedule(deadlineMs, () => {
        remove(waiter);
        waiter.refuse(full(limits, "No room came free before the deadline"));
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      queue.push(waiter);
    });

  return {
    enter: (bytes, deadlineMs, signal) => {
      if (closed) throw new MessagingError("USAGE_CLOSED", "The publisher is closed.");
      signal?.throwIfAborted();
      if (queue.length === 0 && fits(bytes)) return admit(bytes);
      if (limits.whenFull === "reject") throw full(limits, "The publish window is full");
      return wait(bytes, deadlineMs, signal);
    },
    close: () => {
      closed = true;
      for (const waiter of queue.splice(0))
        waiter.refuse(new MessagingError("USAGE_CLOSED", "The publisher was closed."));
    },
    get messages() {
      return messages;
    },
    get waiting() {
      return queue.length;
    },
  };
}

function full(limits: WindowLimits, what: string): MessagingError {
  return new MessagingError(
    "TRANSPORT_FULL",
    `${what} (${limits.maxMessages} messages, ${limits.maxBytes} bytes): the broker confirms slower than you publish.`,
    {
      context: { maxMessages: limits.maxMessages, maxBytes: limits.maxBytes },
    },
  );
}
