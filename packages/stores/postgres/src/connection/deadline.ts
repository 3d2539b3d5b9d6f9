import { MessagingError, type Clock } from "@postrider/core";

/**
 * The promise's own outcome, or STORE_UNAVAILABLE after `limitMs`. A server that is frozen or cut off answers no
 * statement, so a time limit that the server keeps is not enough. `abandon` runs when the time is over.
 */
export async function withDeadline<R>(
  clock: Clock,
  limitMs: number,
  promise: Promise<R>,
  abandon: (error: Error) => void,
): Promise<R> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.schedule(limitMs, () => {
      const error = new MessagingError(
        "STORE_UNAVAILABLE",
        `The database gave no answer within ${limitMs} ms.`,
      );
      abandon(error);
      reject(error);
    });
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}
