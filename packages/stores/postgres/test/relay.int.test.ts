import {
  createRelay,
  fixed,
  memory,
  memoryBroker,
  MessagingError,
  type OutgoingMessage,
  type PublishOutcome,
  type Relay,
  type RelayOptions,
  type RelaySource,
  type SealedEvent,
} from "@postrider/core";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { postgres } from "@postrider/postgres";
import { databases, type Opened, server, url } from "./support/databases.ts";
import { sealed } from "./support/events.ts";
import { openLine } from "./support/proxy.ts";

const patience = { timeout: 20_000, interval: 10 };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A relay on this store, and a broker that refuses what `refuses` says and keeps what it is given. */
async function relayTo(
  store: RelaySource,
  refuses: (id: string) => boolean,
  options: RelayOptions = {},
  isDown: () => boolean = () => false,
) {
  const arrived: string[] = [];
  const batches: number[] = [];
  const refusal: PublishOutcome = {
    status: "rejected",
    scope: "message",
    error: new MessagingError("TRANSPORT_REJECTED", "the broker said no"),
  };
  const outage: PublishOutcome = {
    status: "unknown",
    scope: "broker",
    error: new MessagingError("TRANSPORT_UNAVAILABLE", "nobody answers"),
  };
  const outcomeOf = ({ attributes: { id = "" } }: OutgoingMessage): PublishOutcome => {
    if (refuses(id)) return refusal;
    arrived.push(id);
    return { status: "confirmed" };
  };
  const real = memory({ broker: memoryBroker() });
  const publish = async (messages: readonly OutgoingMessage[]): Promise<readonly PublishOutcome[]> => {
    if (isDown()) return messages.map(() => outage);
    batches.push(messages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    return messages.map(outcomeOf);
  };
  const publishRun = async (messages: readonly OutgoingMessage[]): Promise<readonly PublishOutcome[]> => {
    const stop = messages.findIndex(({ attributes }) => refuses(attributes["id"] ?? ""));
    if (stop === -1) return publish(messages);
    return [...(await publish(messages.slice(0, stop))), ...messages.slice(stop).map(() => refusal)];
  };
  const transport = { ...real, publisher: { ...real.publisher, publish, publishRun } };
  await transport.connect();
  const relay: Relay = createRelay({ store, transport, logger: silent, ...options });
  onTestFinished(async () => {
    await relay.stop();
    await transport.close();
  });
  return { relay, arrived, batches };
}

const many = (count: number, name: string, parts: Partial<SealedEvent> = {}): readonly SealedEvent[] =>
  Array.from({ length: count }, (_, n) => sealed(`${name}${n}`, { key: undefined, ...parts }));

describe.each(databases)("a relay on $name", (database) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await database.open("relay");
  });
  afterEach(async () => {
    for (const table of ["outbox_event", "outbox_parked", "outbox_lease"]) {
      await opened.sql(`DELETE FROM "${opened.schema}".${table}`);
    }
  });
  afterAll(() => opened.close());

  const append = (events: readonly SealedEvent[]): Promise<void> =>
    opened.store.transaction(async (tx) => opened.store.outbox.append(tx, events));
  const parked = async (): Promise<number> => (await opened.store.relay.status()).parked;

  test("fresh events leave although thousands of parked ones are due all the time", async () => {
    const { relay, arrived } = await relayTo(opened.store, (id) => id.startsWith("bad"), {
      retry: fixed({ attempts: 1_000_000, delayMs: 1 }),
    });
    await append(many(2_000, "bad"));
    relay.start();
    await vi.waitFor(async () => expect(await parked()).toBe(2_000), patience);
    await append(many(1_000, "good"));
    await vi.waitFor(() => expect(arrived).toHaveLength(1_000), patience);
    expect(await parked()).toBe(2_000);
  });

  test("99. a key that was held by one event leaves in order and in runs once that one passes", async () => {
    let refuse = true;
    const { relay, arrived, batches } = await relayTo(opened.store, (id) => refuse && id === "k0", {
      retry: fixed({ attempts: 99, delayMs: 500 }),
    });
    const events = many(1_000, "k", { key: "k" });
    await append(events);
    relay.start();
    await vi.waitFor(async () => expect(await parked()).toBe(1_000), patience);
    refuse = false;
    batches.length = 0;
    await vi.waitFor(async () => expect(await parked()).toBe(0), patience);
    expect(arrived).toEqual(events.map(({ id }) => id));
    expect(batches.length).toBeLessThan(20);
    await append(many(1, "next", { key: "k" }));
    await vi.waitFor(() => expect(arrived.at(-1)).toBe("next0"), patience);
  });

  test("95. while the broker is down nothing is parked and no attempt is counted; then all leave in order", async () => {
    let down = true;
    let refuse = true;
    const { relay, arrived } = await relayTo(
      opened.store,
      (id) => refuse && id === "bad0",
      { retry: fixed({ attempts: 99, delayMs: 1 }), minPollMs: 1, maxPollMs: 5 },
      () => down,
    );
    const events = many(50, "k", { key: "k" });
    await append([...many(1, "bad", { key: "bad" }), ...events]);
    down = false;
    relay.start();
    await vi.waitFor(async () => expect(await parked()).toBe(1), patience);
    down = true;
    const attempts = async (): Promise<number | undefined> =>
      (await opened.store.relay.parked({}))[0]?.attempts;
    await vi.waitFor(() => expect(relay.health().state).toBe("waiting-for-broker"), patience);
    const before = await attempts();
    await append(many(20, "later", { key: "k" }));
    const turns = (): number | undefined => relay.health().lastTurnAgeMs;
    await vi.waitFor(() => expect(turns()).toBeGreaterThan(200), patience);
    expect([await parked(), await attempts()]).toEqual([1, before]);
    expect((await relay.status()).backlog).toBeGreaterThanOrEqual(20);
    down = refuse = false;
    await vi.waitFor(async () => expect((await relay.status()).backlog).toBe(0), patience);
    await vi.waitFor(async () => expect(await parked()).toBe(0), patience);
    const ofKey = arrived.filter((id) => id !== "bad0");
    expect(ofKey).toEqual([...events, ...many(20, "later")].map(({ id }) => id));
  });

  test("a page of large events is bounded in bytes", async () => {
    const { relay, arrived, batches } = await relayTo(opened.store, () => false, { pageMaxBytes: 1_000_000 });
    await append(many(20, "large", { payload: Buffer.alloc(300_000, "x"), contentType: "text/plain" }));
    await append(many(1, "larger", { payload: Buffer.alloc(1_500_000, "x"), contentType: "text/plain" }));
    await append(many(1, "small"));
    expect(await relay.drainOnce()).toBe(22);
    expect(arrived).toHaveLength(22);
    expect(Math.max(...batches.slice(0, 6))).toBeLessThan(1_100_000);
    expect(batches).toHaveLength(9); // six of three, one of two, the larger one alone, and the small one
  });
});

describe("a relay on a database that is frozen", () => {
  test("46. stops a second after drainMs at the latest", async () => {
    const opened = await server.open("relay_frozen");
    const line = await openLine(url());
    const pool = new Pool({ connectionString: line.url, max: 4 });
    pool.on("error", () => {});
    onTestFinished(async () => {
      line.mend();
      await pool.end();
      await line.close();
      await opened.close();
    });
    const store = postgres({ pool, schema: opened.schema, logger: silent });
    const { relay } = await relayTo(store, () => false, { minPollMs: 1, maxPollMs: 1 });
    relay.start();
    await vi.waitFor(() => expect(relay.health().state).toBe("leading"), patience);
    line.freeze();
    const startMs = performance.now();
    await relay.stop({ drainMs: 200 });
    expect(performance.now() - startMs).toBeLessThan(2_500);
    expect(relay.health().state).toBe("stopped");
  });
});
