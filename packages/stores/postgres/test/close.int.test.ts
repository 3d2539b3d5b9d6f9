import {
  createMessaging,
  defineConsumer,
  defineEvent,
  memory,
  type MessagingWithStore,
} from "@postrider/core";
import { Pool } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { postgres } from "@postrider/postgres";
import { type Opened, server, type TestTx, url } from "./support/databases.ts";
import { type Line, openLine } from "./support/proxy.ts";

const Ticked = defineEvent("test.ticks.ticked.v1", {
  data: { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } },
});
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe("a database that freezes", () => {
  let opened: Opened;
  let line: Line;
  let pool: Pool;
  let messaging: MessagingWithStore<TestTx>;

  beforeAll(async () => {
    opened = await server.open("freeze");
  });
  beforeEach(async () => {
    line = await openLine(url());
    pool = new Pool({ connectionString: line.url, max: 8 });
    pool.on("error", () => {});
    const store = postgres({ pool, schema: opened.schema });
    messaging = await createMessaging({ source: "/test", broker: memory(), store, logger: quiet });
  });
  afterEach(async () => {
    line.mend();
    await pool.end();
    await line.close();
  });
  afterAll(() => opened.close());

  test("keeps close({ drainMs: 1000 }) no longer than 3 s, with a handler in the middle of a statement", async () => {
    let began = false;
    const consumer = defineConsumer<TestTx>("frozen").on(Ticked, async (_, { tx }) => {
      began = true;
      for (;;) await tx.query("SELECT pg_sleep(0.01)");
    });
    await messaging.consume(consumer);
    await messaging.publish(Ticked({ n: 1 }));
    await vi.waitFor(() => expect([began, messaging.relay?.health().state]).toEqual([true, "leading"]));
    line.freeze();
    const fromMs = performance.now();
    await messaging.close({ drainMs: 1_000 });
    expect(performance.now() - fromMs).toBeLessThan(3_300);
  });

  test("is told by health within a second, and with one question to the database", async () => {
    await expect(messaging.health()).resolves.toMatchObject({ ok: true, store: { state: "ready" } });
    line.freeze();
    const fromMs = performance.now();
    const checks = await Promise.all(Array.from({ length: 20 }, () => messaging.health()));
    expect(performance.now() - fromMs).toBeLessThan(1_500);
    for (const health of checks) {
      expect(health).toMatchObject({
        ok: false,
        broker: { state: "ready" },
        store: { state: "failing", errorCode: "STORE_UNAVAILABLE" },
      });
    }
    expect(pool.totalCount).toBeLessThan(8);
    await messaging.close({ drainMs: 100 });
  });
});
