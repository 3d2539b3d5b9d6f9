import {
  createRelay,
  memory,
  MessagingError,
  type MemoryStore,
  type OutgoingMessage,
  type PublishOutcome,
  type Relay,
  type RelayOptions,
  type RelaySource,
  type RelayStore,
  type Transport,
} from "@postrider/core";
import { onTestFinished } from "vitest";
import { changedPublisher, type Place } from "../../support/services.ts";

export interface RelayParts extends RelayOptions {
  readonly transport?: Transport | undefined;
}

/** A relay of its own, connected and not started; stopped when the test ends. */
export async function relayOn(
  here: Place,
  store: RelaySource,
  { transport = memory({ broker: here.broker, clock: here.clock }), ...options }: RelayParts = {},
): Promise<Relay> {
  await transport.connect();
  const relay = createRelay({ store, transport, logger: here.logger, clock: here.clock, ...options });
  onTestFinished(async () => {
    let open = true;
    const stopping = relay.stop().finally(() => (open = false));
    while (open) await here.clock.advance(10_000);
    await stopping;
    await transport.close();
  });
  return relay;
}

/** The store with its relay side changed. */
export function changedRelayStore(
  store: MemoryStore,
  change: (real: RelayStore) => Partial<RelayStore>,
): MemoryStore {
  return { ...store, relay: { ...store.relay, ...change(store.relay) } };
}

/** A transport that refuses the messages of which `refusalOf` makes an error, for what they are. */
export function refusing(here: Place, refusalOf: (id: string) => MessagingError | undefined): Transport {
  const outcomeFor = (message: OutgoingMessage): PublishOutcome | undefined => {
    const error = refusalOf(message.attributes["id"] ?? "");
    return error === undefined ? undefined : { status: "rejected", scope: "message", error };
  };
  return changedPublisher(here, (real) => ({
    publish: async (batch, bounds) => {
      const outcomes = batch.map(outcomeFor);
      const passing = batch.filter((_, index) => outcomes[index] === undefined);
      const good = [...(await real.publish(passing, bounds))];
      return outcomes.map((outcome) => outcome ?? (good.shift() as PublishOutcome));
    },
    publishRun: async (run, bounds) => {
      const outcomes = run.map(outcomeFor);
      const stop = outcomes.findIndex((outcome) => outcome !== undefined);
      if (stop === -1) return real.publishRun(run, bounds);
      const before = await real.publishRun(run.slice(0, stop), bounds);
      return [...before, ...run.slice(stop).map(() => outcomes[stop] as PublishOutcome)];
    },
  }));
}

export const rejected = (): MessagingError =>
  new MessagingError("TRANSPORT_REJECTED", "the broker does not like it");
export const tooLarge = (): MessagingError => new MessagingError("TRANSPORT_TOO_LARGE", "it is too large");
export const storeDown = (): MessagingError =>
  new MessagingError("STORE_UNAVAILABLE", "the database is away");

/** Everything of the outbox has gone, for the broker or for the parked ones; no time passes. */
export async function backlogOf(store: MemoryStore): Promise<number> {
  return (await store.relay.status()).backlog;
}
