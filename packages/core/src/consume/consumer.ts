import { AsyncResource } from "node:async_hooks";
import type { TransportConsumer } from "../contracts/subscription.ts";
import { drainMsOf, endIn, type CloseOptions } from "./drain.ts";
import { createIntakeSwitch, type ConsumerState } from "./intake/intake-switch.ts";
import { createPath, type PathParts } from "./path.ts";
import { requestOf } from "./request.ts";
import type { ConsumerCounts } from "./settle/settle.ts";

/** A consumer at work. */
export interface Subscription extends AsyncDisposable {
  /** The consumer's name. */
  readonly consumer: string;
  /** Takes nothing new; what is under way goes on. */
  pause(): void;
  /** Takes messages again after a pause, by a person or by an error rule. */
  resume(): void;
  /** Whether it takes messages, and what it waits for. */
  state(): ConsumerState;
  /** What became of the messages so far, in this process. */
  counts(): ConsumerCounts;
  /**
   * Takes nothing new, gives back what has not begun, waits for running handlers up to `drainMs`, then aborts their
   * signal, rolls their work back and gives their messages back, uncounted. Ends one and a half seconds after `drainMs`
   * at the latest, whatever hangs: what the broker was not told comes again. Safe to call twice.
   *
   * @throws OptionsError (CONFIG_INVALID) for a `drainMs` that is no number from 0; nothing is closed then.
   */
  close(options?: CloseOptions): Promise<void>;
}

export interface ConsumerParts extends Omit<PathParts, "intakeSwitch"> {
  readonly transport: TransportConsumer;
}

/** Subscribes at the broker, and hands what comes to the consume path. */
export async function startConsumer(parts: ConsumerParts): Promise<Subscription> {
  const { consumer, logger } = parts;
  const intakeSwitch = createIntakeSwitch();
  const path = createPath({ ...parts, intakeSwitch });
  // A broker in this process calls from wherever somebody published: inside another handler, with its lineage and trace.
  const receive = AsyncResource.bind(path.take);
  const subscription = await parts.transport.subscribe(requestOf(consumer, logger), receive);
  intakeSwitch.connect(subscription);

  const close = async (drainMs: number): Promise<void> => {
    intakeSwitch.close();
    path.turnAway();
    await endIn(parts.clock, drainMs, subscription, path.end);
  };
  let closed: Promise<void> | undefined;
  const closeOnce = async (options?: CloseOptions): Promise<void> => {
    const drainMs = drainMsOf(options);
    await (closed ??= close(drainMs));
  };
  return {
    consumer: consumer.name,
    pause: () => intakeSwitch.off("person"),
    resume: () => intakeSwitch.on("person"),
    state: intakeSwitch.state,
    counts: path.counts,
    close: closeOnce,
    [Symbol.asyncDispose]: () => closeOnce(),
  };
}
