import type { DeadLetter } from "../contracts/dead-letter.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Delivery, TransportConsumer } from "../contracts/subscription.ts";
import { decodeDeadLetter } from "../envelope/dead-letter.ts";
import { toError } from "../errors.ts";
import type { CloseOptions } from "./consumer.ts";
import { createRunning } from "./running.ts";

/** Looks at one dead letter. Returning acknowledges it, which removes it from the broker; throwing keeps it there. */
export type DeadLetterHandler = (letter: DeadLetter, signal: AbortSignal) => void | Promise<void>;

/** Reads the dead letters of a consumer group. */
export interface DeadLetterSubscription extends AsyncDisposable {
  readonly group: string;
  close(options?: CloseOptions): Promise<void>;
}

const retryDelayMs = 1_000;

export async function startDeadLetters(
  group: string,
  handler: DeadLetterHandler,
  transport: TransportConsumer,
  logger: Logger,
): Promise<DeadLetterSubscription> {
  const failed = (thrown: unknown) => {
    logger.warn("A dead letter could not be read; it stays with the broker", {
      group,
      reason: toError(thrown).message,
    });
  };
  const running = createRunning(failed);
  const work = async (delivery: Delivery): Promise<void> => {
    try {
      await handler(decodeDeadLetter(delivery.message), delivery.signal);
      await delivery.settle({ kind: "ack" });
    } catch (thrown) {
      failed(thrown);
      await delivery.settle({ kind: "retry", delayMs: retryDelayMs, attempt: delivery.attempt + 1 });
    }
  };
  const subscription = await transport.subscribe(
    {
      group,
      channels: [],
      of: "dead-letters",
      ordering: "none",
      members: "share",
      startAt: "beginning",
      maxInFlight: 16,
      onFault: (error) =>
        logger.warn("The subscription of dead letters had a fault", { group, code: error.code }),
    },
    (delivery) => running.track(work(delivery)),
  );
  const close = async (): Promise<void> => {
    await subscription.stop();
    await running.idle();
    await subscription.close();
  };
  let closed: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => (closed ??= close());
  return { group, close: closeOnce, [Symbol.asyncDispose]: closeOnce };
}
