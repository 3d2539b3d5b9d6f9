import { Client, Pool } from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { fromPg } from "@postrider/core/sql";
import { postgres, type PostgresStore } from "@postrider/postgres";
import { type Opened, server, type TestTx, url } from "./support/databases.ts";
import { keyed } from "./support/events.ts";
import { type Line, openLine } from "./support/proxy.ts";

const patience = { timeout: 10_000, interval: 5 };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe("the line between processes that share an outbox", () => {
  let opened: Opened;
  let pool: Pool;
  beforeAll(async () => {
    opened = await server.open("line");
    pool = new Pool({ connectionString: url(), max: 6 });
  });
  afterAll(async () => {
    await pool.end();
    await opened.close();
  });

  /** A store as another process has it: it shares nothing with the others but the database. */
  function storeOf(through = url(), schema = opened.schema): PostgresStore<TestTx> {
    const store = postgres({ pool, schema, logger: silent, connection: () => new Client(through) });
    onTestFinished(() => store.close());
    return store;
  }
  /** Counts what a store hears, from the moment on when it surely listens. */
  async function heardBy(store: PostgresStore<TestTx>): Promise<() => number> {
    let heard = 0;
    onTestFinished(store.outbox.onSignal(() => void (heard += 1)));
    await vi.waitFor(() => expect(heard).toBeGreaterThan(0), patience);
    heard = 0;
    return () => heard;
  }
  const add = (store: PostgresStore<TestTx>, id: string) =>
    store.transaction(async (tx) => store.outbox.append(tx, [keyed("k", id)]));
  const listeners = async (): Promise<number> => {
    const rows = await opened.sql(
      "SELECT pid FROM pg_stat_activity WHERE query ~ '^(LISTEN|NOTIFY) postrider_'",
    );
    return rows.length;
  };

  test("106. a commit in one process is heard in the others, at once", async () => {
    const heard = await heardBy(storeOf());
    await add(storeOf(), "one");
    await vi.waitFor(() => expect(heard()).toBe(1), patience);
  });

  test("106. a transaction that the user owns is heard in the others, without a word inside of it", async () => {
    const heard = await heardBy(storeOf());
    const writer = storeOf();
    const client = await pool.connect();
    onTestFinished(() => client.release());
    const said: string[] = [];
    const watched = new Proxy(client, {
      get: (target, name) =>
        name === "query"
          ? (text: string, values: unknown[]) => (said.push(text), target.query(text, values))
          : (Reflect.get(target, name) as unknown),
    });
    await watched.query("BEGIN");
    await writer.outbox.append(fromPg(watched), [keyed("k", "mine")]);
    await watched.query("COMMIT");
    await vi.waitFor(() => expect(heard()).toBeGreaterThan(0), patience);
    expect(said.join("\n")).not.toMatch(/notify/i);
  });

  test("many commits are few words: one in 20 ms at most", async () => {
    const heard = await heardBy(storeOf());
    const writer = storeOf();
    const startMs = performance.now();
    for (let n = 0; n < 100; n += 1) writer.outbox.signal();
    await vi.waitFor(() => expect(heard()).toBeGreaterThanOrEqual(1), patience);
    while (performance.now() < startMs + 200) await add(writer, "many");
    expect(heard()).toBeLessThanOrEqual((performance.now() - startMs) / 20 + 2);
  });

  test("another outbox in the same database hears nothing", async () => {
    const other = await server.open("line_other");
    onTestFinished(() => other.close());
    const heardThere = await heardBy(storeOf(url(), other.schema));
    const heard = await heardBy(storeOf());
    await add(storeOf(), "ours");
    await vi.waitFor(() => expect(heard()).toBe(1), patience);
    expect(heardThere()).toBe(0);
  });

  test("111. a connection that is cut is made anew, and what was said meanwhile counts as heard", async () => {
    const line = await opening();
    const heard = await heardBy(storeOf(line.url));
    const before = heard();
    line.cut();
    await add(storeOf(), "unheard");
    line.mend();
    await vi.waitFor(() => expect(heard()).toBeGreaterThan(before), patience);
    const again = heard();
    await add(storeOf(), "heard");
    await vi.waitFor(() => expect(heard()).toBeGreaterThan(again), patience);
  });

  test("111. a writer whose connection is gone commits all the same, and is heard again later", async () => {
    const line = await opening();
    const heard = await heardBy(storeOf());
    const writer = storeOf(line.url);
    await add(writer, "first");
    await vi.waitFor(() => expect(heard()).toBe(1), patience);
    line.cut();
    await add(writer, "second");
    line.mend();
    await vi.waitFor(() => expect(heard()).toBeGreaterThan(1), patience);
  });

  test("close ends the connection, also one that is on its way", async () => {
    const before = await listeners();
    const [connected, underway] = [storeOf(), storeOf()];
    await heardBy(connected);
    underway.outbox.signal();
    await connected.close();
    await underway.close();
    await vi.waitFor(async () => expect(await listeners()).toBe(before), patience);
  });

  test("what is no connection is refused, with what was meant", () => {
    const wrong = new Client(url()) as unknown as () => Client;
    expect(() => postgres({ pool, connection: wrong })).toThrow(/connection: must be a function/);
  });

  async function opening(): Promise<Line> {
    const line = await openLine(url());
    onTestFinished(() => line.close());
    return line;
  }
});
