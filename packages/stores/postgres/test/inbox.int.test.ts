import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { databases, type Opened, server, type TestTx } from "./support/databases.ts";
import { sealed } from "./support/events.ts";
import { drain, ids, lead } from "./support/relay.ts";

describe.each(databases)("inbox on $name", (database) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await database.open("inbox");
    await opened.sql(`CREATE TABLE "${opened.schema}".effect (id text)`);
  });
  afterAll(() => opened.close());

  const register = (consumer: string, ...messageIds: readonly string[]): Promise<readonly string[]> =>
    opened.store.transaction(async (tx) => [
      ...(await opened.store.inbox.register(tx, consumer, messageIds)),
    ]);
  const effect = (tx: TestTx, id: string): Promise<unknown> =>
    tx.query(`INSERT INTO "${opened.schema}".effect VALUES ($1)`, [id]);
  const effects = (id: string): Promise<readonly unknown[]> =>
    opened.sql(`SELECT id FROM "${opened.schema}".effect WHERE id = $1`, [id]);

  test("114. the same id twice, one after the other: worked on once", async () => {
    expect(await register("c114", "s#1")).toEqual(["s#1"]);
    expect(await register("c114", "s#1")).toEqual([]);
  });

  test("118. two consumers of one event each work on it once", async () => {
    expect(await register("left", "s#118")).toEqual(["s#118"]);
    expect(await register("right", "s#118")).toEqual(["s#118"]);
  });

  test("119. an id given twice in one batch counts once, and those known before do not count", async () => {
    await register("c119", "s#2");
    expect(await register("c119", "s#1", "s#2", "s#1", "s#3")).toEqual(["s#1", "s#3"]);
  });

  test("121. a failed attempt leaves no mark, so it can run again", async () => {
    const { store } = opened;
    const attempt = store.transaction(async (tx) => {
      await store.inbox.register(tx, "c121", ["s#1"]);
      throw new Error("handler failed");
    });
    await expect(attempt).rejects.toThrow("handler failed");
    expect(await register("c121", "s#1")).toEqual(["s#1"]);
  });

  test("116. the handler's writes, the mark and the outgoing events commit together, and a failure leaves none", async () => {
    const { store } = opened;
    const handle = (id: string, fails: boolean): Promise<void> =>
      store.transaction(async (tx) => {
        await store.inbox.register(tx, "c116", [`s#${id}`]);
        await effect(tx, id);
        await store.outbox.append(tx, [sealed(id)]);
        if (fails) throw new Error("no");
      });
    await expect(handle("lost", true)).rejects.toThrow("no");
    await handle("kept", false);
    expect([await effects("lost"), await effects("kept")]).toEqual([[], [{ id: "kept" }]]);
    expect(await register("c116", "s#lost", "s#kept")).toEqual(["s#lost"]);
    expect(ids(await drain(store.relay, await lead(store.relay)))).toEqual(["kept"]);
  });

  test("117. after a crash behind the commit the redelivery is skipped, and what was to be sent is still there", async () => {
    const { store } = opened;
    const deliver = (): Promise<boolean> =>
      store.transaction(async (tx) => {
        const fresh = await store.inbox.register(tx, "c117", ["s#1"]);
        if (fresh.size > 0) await store.outbox.append(tx, [sealed("follow-up")]);
        return fresh.size > 0;
      });
    expect(await deliver()).toBe(true);
    // The acknowledgement never got to the broker: it delivers again, to another process.
    expect(await deliver()).toBe(false);
    expect(ids(await drain(store.relay, await lead(store.relay)))).toEqual(["follow-up"]);
  });

  test("marks of this very transaction can be taken back, also those made in a savepoint; others stay", async () => {
    const { store } = opened;
    await register("taken", "s#old");
    await store.transaction(async (tx) => {
      await store.inbox.register(tx, "taken", ["s#1", "s#2"]);
      await tx.query("SAVEPOINT s");
      await store.inbox.register(tx, "taken", ["s#3"]);
      await tx.query("RELEASE SAVEPOINT s");
      await store.inbox.unregister(tx, "taken", ["s#1", "s#3", "s#old"]);
    });
    expect(await register("taken", "s#old", "s#1", "s#2", "s#3")).toEqual(["s#1", "s#3"]);
  });

  test("ids of any length and content are told apart", async () => {
    const long = `s#${"x".repeat(5_000)}`;
    const odd = ["s#", "s#'\"\\ü{}", "s#\u2028", `${long}1`, `${long}2`, "s#sha256:abc"];
    expect(new Set(await register("odd", ...odd))).toEqual(new Set(odd));
    expect(await register("odd", ...odd)).toEqual([]);
    const stored = await opened.sql(
      `SELECT max(length(message_id))::integer AS longest FROM "${opened.schema}".inbox_message`,
    );
    expect(stored).toEqual([{ longest: 71 }]);
  });

  test("no ids need no transaction and no statement", async () => {
    expect(await opened.store.inbox.register(undefined as never, "c", [])).toEqual(new Set());
    await opened.store.inbox.unregister(undefined as never, "c", []);
  });

  describe("pruning", () => {
    const old = (consumer: string, count: number): Promise<unknown> =>
      opened.sql(
        `INSERT INTO "${opened.schema}".inbox_message (consumer, message_id, processed_at)
         SELECT $1, 's#' || n, clock_timestamp() - interval '8 days' FROM generate_series(1, $2::integer) AS n`,
        [consumer, count],
      );

    test("103. marks older than the window go, in bounded statements, and younger ones stay", async () => {
      await old("pruned", 25);
      await register("pruned", "s#young");
      expect(await opened.store.inbox.prune({ olderThanMs: 7 * 86_400_000, batchSize: 10 })).toBe(25);
      expect(await register("pruned", "s#young", "s#1")).toEqual(["s#1"]);
    });

    test("103. several at once share the work and delete each mark once", async () => {
      await old("shared", 60);
      const counts = await Promise.all(
        Array.from({ length: 4 }, () =>
          opened.store.inbox.prune({ olderThanMs: 7 * 86_400_000, batchSize: 7 }),
        ),
      );
      const left = await opened.sql(
        `SELECT 1 FROM "${opened.schema}".inbox_message WHERE consumer = 'shared'`,
      );
      expect(counts.reduce((sum, count) => sum + count, 0) + left.length).toBe(60);
      expect(await opened.store.inbox.prune({ olderThanMs: 7 * 86_400_000 })).toBe(left.length);
    });

    test("103. a window of 0 forgets everything, and a signal stops between two statements", async () => {
      await old("all", 5);
      expect(await opened.store.inbox.prune({ olderThanMs: 0, signal: AbortSignal.abort() })).toBe(0);
      expect(await opened.store.inbox.prune({ olderThanMs: 0, batchSize: 2 })).toBeGreaterThanOrEqual(5);
      expect(await opened.sql(`SELECT 1 FROM "${opened.schema}".inbox_message`)).toEqual([]);
    });

    test("numbers that are none are refused, all together", async () => {
      await expect(opened.store.inbox.prune({ olderThanMs: -1, batchSize: 0.5 })).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        problems: [expect.stringContaining("olderThanMs"), expect.stringContaining("batchSize")],
      });
    });
  });
});

describe("inbox with several consumers at once", () => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await server.open("inbox_race");
  });
  afterAll(() => opened.close());

  test("115. the same id on ten consumers at once: one works, nine wait and see a duplicate", async () => {
    const { store } = opened;
    let working = 0;
    let most = 0;
    const verdicts = await Promise.all(
      Array.from({ length: 10 }, () =>
        store.transaction(async (tx) => {
          const fresh = await store.inbox.register(tx, "c", ["s#1"]);
          if (fresh.size === 0) return false;
          working += 1;
          most = Math.max(most, working);
          await tx.query("SELECT pg_sleep(0.05)");
          working -= 1;
          return true;
        }),
      ),
    );
    expect(verdicts.filter(Boolean)).toHaveLength(1);
    expect(most).toBe(1);
  });

  test("115. when the first one rolls back, one of those that wait works instead", async () => {
    const { store } = opened;
    let attempts = 0;
    const verdicts = await Promise.allSettled(
      Array.from({ length: 6 }, () =>
        store.transaction(async (tx) => {
          const fresh = await store.inbox.register(tx, "c", ["s#rolled"]);
          if (fresh.size === 0) return "duplicate";
          attempts += 1;
          if (attempts === 1) throw new Error("first attempt fails");
          return "worked";
        }),
      ),
    );
    const said = verdicts.map((one) => (one.status === "fulfilled" ? one.value : "failed")).sort();
    expect(said).toEqual(["duplicate", "duplicate", "duplicate", "duplicate", "failed", "worked"]);
  });

  test("119. overlapping batches in opposite orders do not deadlock, and each id is worked on once", async () => {
    const { store } = opened;
    const all = Array.from({ length: 3_000 }, (_, n) => `s#batch-${n}`);
    const batches = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        store.transaction(async (tx) => [
          ...(await store.inbox.register(tx, "batches", n % 2 === 0 ? all : [...all].reverse())),
        ]),
      ),
    );
    expect(batches.flat().sort()).toEqual([...all].sort());
  });

  test("a serializable transaction that meets another's fresh mark fails as retryable, and then sees a duplicate", async () => {
    const { store } = opened;
    const attempt = (meet: () => Promise<void>): Promise<number> =>
      store.transaction(
        async (tx) => {
          await tx.query("SELECT 1");
          await meet();
          return (await store.inbox.register(tx, "serial", ["s#1"])).size;
        },
        { isolation: "serializable" },
      );
    const first = await attempt(async () => {
      await store.transaction(async (tx) => void (await store.inbox.register(tx, "serial", ["s#1"])));
    }).catch((error: unknown) => error);
    expect(store.isRetryable?.(first)).toBe(true);
    expect(await attempt(async () => {})).toBe(0);
  });
});
