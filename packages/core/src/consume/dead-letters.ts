import { createAbortWatch, type AbortWatch } from "../abort-watch.ts";
import type { Clock } from "../contracts/clock.ts";
import type { DeadLetter } from "../contracts/dead-letter.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Delivery, SubscriptionRequest, TransportConsumer } from "../contracts/subscription.ts";
import { decodeDeadLetter } from "../envelope/dead-letter.ts";
import { soundError } from "../failure/sound-error.ts";
import { drain, drainMsOf, endIn, type CloseOptions } from "./drain.ts";
import { createRunning } from "./running.ts";
import type { StrayGuard } from "./attempt/stray.ts";

/**
 * Looks at one dead letter. Returning acknowledges it, which removes it from the broker; throwing keeps it there, to be
 * looked at again a second later. The signal fires when the letter is no longer ours and when the close takes too long.
 */
export type DeadLetterHandler = (letter: DeadLetter, signal: AbortSignal) => void | Promise<void>;

/** Reads the dead letters of a consumer group. */
export interface DeadLetterSubscription extends AsyncDisposable {
  /** The consumer group whose letters are read. */
  readonly group: string;
  /** Waits for running handlers up to `drainMs`, then fires their signal and gives their letters back. */
  close(options?: CloseOptions): Promise<void>;
}

export interface DeadLettersParts {
  readonly group: string;
  readonly handler: DeadLetterHandler;
  readonly transport: TransportConsumer;
  readonly stray: StrayGuard;
  readonly clock: Clock;
  readonly logger: Logger;
}

const retryDelayMs = 1_000;

export async function startDeadLetters(parts: DeadLettersParts): Promise<DeadLetterSubscription> {
  const { group, logger, clock } = parts;
  const abort = new AbortController();
  const running = createRunning((thrown) => {
    logger.warn("The broker did not take what became of a dead letter; it comes again", {
      group,
      reason: soundError(thrown).message,
    });
  });
  const work = createWork(parts, abort.signal);
  const subscription = await parts.transport.subscribe(requestOf(group, logger), (delivery) =>
    running.track(work(delivery)),
  );

  const close = async (drainMs: number): Promise<void> => {
    await endIn(clock, drainMs, subscription, (leftMs) => drain(clock, leftMs, running, abort));
  };
  let closed: Promise<void> | undefined;
  const closeOnce = async (options?: CloseOptions): Promise<void> => {
    const drainMs = drainMsOf(options);
    await (closed ??= close(drainMs));
  };
  return { group, close: closeOnce, [Symbol.asyncDispose]: () => closeOnce() };
}

function createWork({ group, handler, stray, logger }: DeadLettersParts, closing: AbortSignal) {
  const watch = createAbortWatch();
  const report = (error: Error) =>
    logger.error("A handler of dead letters left a promise behind that nobody awaits, and it was rejected", {
      group,
      reason: error.message,
    });
  const look = async (delivery: Delivery, signal: AbortSignal): Promise<boolean> => {
    try {
      const letter = decodeDeadLetter(delivery.message);
      await stray.run(report, async () => handler(letter, signal));
      return true;
    } catch (thrown) {
      logger.warn("A dead letter was not taken; it stays with the broker", {
        group,
        reason: soundError(thrown).message,
      });
      return false;
    }
  };
  return async (delivery: Delivery): Promise<void> => {
    const given = givenUp(watch, [delivery.signal, closing]);
    const taken = await Promise.race([look(delivery, given.signal), given.up]).finally(given.end);
    if (taken === "given up") return; // closing the subscription gives it back
    if (taken) await delivery.settle({ kind: "ack" });
    else await delivery.settle({ kind: "retry", delayMs: retryDelayMs, attempt: delivery.attempt });
  };
}

/** One signal of several. They are let go of at the end: `AbortSignal.any` would hang on a long-lived one for ever. */
function givenUp(watch: AbortWatch, signals: readonly AbortSignal[]) {
  const controller = new AbortController();
  let unwatchAll: readonly (() => void)[] = [];
  const up = new Promise<"given up">((resolve) => {
    const fire = (reason: unknown) => {
      controller.abort(reason);
      resolve("given up");
    };
    unwatchAll = signals.map((signal) => {
      if (signal.aborted) fire(signal.reason);
      return watch(signal, () => fire(signal.reason));
    });
  });
  const end = () => {
    for (const unwatch of unwatchAll) unwatch();
  };
  return { signal: controller.signal, up, end };
}

function requestOf(group: string, logger: Logger): SubscriptionRequest {
  return {
    group,
    channels: [],
    of: "dead-letters",
    ordering: "none",
    members: "share",
    startAt: "beginning",
    maxInFlight: 16,
    onFault: (error) =>
      logger.warn("The subscription of dead letters had a fault", { group, code: error.code }),
  };
}
