import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deliver, relayAll } from "./support/crash-work.ts";
import { type Opened, server, url } from "./support/databases.ts";
import { lead } from "./support/relay.ts";

const kills = 6;
const child = fileURLToPath(new URL("support/crash-child.ts", import.meta.url));

describe("processes that are killed while they write and relay", () => {
  let opened: Opened;
  let pool: Pool;
  const running = new Set<ChildProcess>();
  beforeAll(async () => {
    opened = await server.open("kill");
    pool = new Pool({ connectionString: url(), max: 3 });
    await opened.sql(
      `CREATE TABLE "${opened.schema}".aggregate (key text PRIMARY KEY, version integer NOT NULL)`,
    );
    await opened.sql(`CREATE TABLE "${opened.schema}".change (id text PRIMARY KEY)`);
    await opened.sql(
      `CREATE TABLE "${opened.schema}".delivered (place bigint GENERATED ALWAYS AS IDENTITY, id text)`,
    );
  });
  afterAll(async () => {
    for (const one of running) one.kill("SIGKILL");
    await pool.end();
    await opened.close();
  });

  const ids = async (statement: string): Promise<string[]> =>
    (await opened.sql(statement)).map((row) => String(row["id"]));
  const start = (name: string): ChildProcess => {
    const started = fork(child, [url(), opened.schema, name], {
      execArgv: ["--conditions=@postrider/source"],
      silent: true,
    });
    running.add(started);
    started.once("exit", () => running.delete(started));
    return started;
  };
  const kill = async (one: ChildProcess): Promise<void> => {
    one.kill("SIGKILL");
    await once(one, "exit");
  };

  test(
    "93, 94, 117. no committed change is lost, none that rolled back is sent, and each key keeps its order",
    { timeout: 120_000 },
    async () => {
      const { schema } = opened;
      for (let round = 0; round < kills; round += 1) {
        const one = start(`child-${round}`);
        await once(one, "message");
        // A different stage of the work each time: counted in what was delivered, not in time.
        const before = (await ids(`SELECT id FROM "${schema}".delivered`)).length;
        await expect
          .poll(async () => (await ids(`SELECT id FROM "${schema}".delivered`)).length, {
            interval: 1,
            timeout: 20_000,
          })
          .toBeGreaterThan(before + 7 * round);
        await kill(one);
        const both = await ids(
          `SELECT id FROM "${schema}".outbox_event INTERSECT SELECT id FROM "${schema}".outbox_parked`,
        );
        expect(both).toEqual([]);
      }
      await expect.poll(() => opened.store.relay.acquire("last", 60_000), { timeout: 20_000 }).toBeDefined();
      const lease = await lead(opened.store.relay, "last");
      while (
        (await ids(`SELECT id FROM "${schema}".outbox_event UNION SELECT id FROM "${schema}".outbox_parked`))
          .length > 0
      ) {
        await relayAll(opened.store.relay, lease, (event) => deliver(pool, schema, event));
      }
      const delivered = await ids(`SELECT id FROM "${schema}".delivered ORDER BY place`);
      const firsts = [...new Set(delivered)];
      const changes = await ids(`SELECT id FROM "${schema}".change`);
      expect(changes.length).toBeGreaterThan(100);
      expect([...firsts].sort()).toEqual([...changes].sort());
      for (const key of new Set(firsts.map((id) => id.split(":")[0]))) {
        const versions = firsts
          .filter((id) => id.startsWith(`${key}:`))
          .map((id) => Number(id.split(":")[1]));
        expect(versions).toEqual([...versions].sort((a, b) => a - b));
      }
      // Each kill repeats at most the page that was under way.
      expect(delivered.length - firsts.length).toBeLessThanOrEqual(kills * 21);
    },
  );
});
