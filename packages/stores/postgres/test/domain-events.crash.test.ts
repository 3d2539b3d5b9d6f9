import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Opened, server, url } from "./support/databases.ts";

const child = fileURLToPath(new URL("support/unit-child.ts", import.meta.url));
const lockKey = 7_041_776;

let opened: Opened;
beforeAll(async () => {
  opened = await server.open("unit_crash");
  const { schema } = opened;
  await opened.sql(`CREATE TABLE "${schema}".effect (name text)`);
  await opened.sql(
    `CREATE FUNCTION "${schema}".stand_still() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(${lockKey}); RETURN NEW; END $$`,
  );
  await opened.sql(
    `CREATE TRIGGER stand_still BEFORE INSERT ON "${schema}".outbox_event FOR EACH ROW EXECUTE FUNCTION "${schema}".stand_still()`,
  );
});
afterAll(() => opened.close());

function start(): ChildProcess {
  const started = fork(child, [url(), opened.schema], {
    execArgv: ["--conditions=@postrider/source"],
    silent: true,
  });
  onTestFinished(() => void started.kill("SIGKILL"));
  return started;
}

/** Holds the lock that the trigger waits for, in a session of its own. */
async function holdLock(): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url() });
  await client.connect();
  await client.query(`SELECT pg_advisory_lock(${lockKey})`);
  return () => client.end();
}

const rows = async (table: string) => (await opened.sql(`SELECT * FROM "${opened.schema}".${table}`)).length;
const everything = async () => [await rows("effect"), await rows("domain_event"), await rows("outbox_event")];
const frozen = async () => {
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND query LIKE 'INSERT INTO "${opened.schema}".%'`;
  return (await opened.sql(waiting)).length;
};

test("a process that is frozen in its outbox insert and killed leaves no business row, no journal and no message", async () => {
  const letGo = await holdLock();
  const process = start();
  await expect.poll(frozen, { timeout: 20_000 }).toBe(1);
  process.kill("SIGKILL");
  await once(process, "exit");
  await letGo();
  await expect.poll(frozen).toBe(0);
  // Its connection is seen to be gone with the first answer that cannot be sent.
  const sessions = `SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'INSERT INTO "${opened.schema}".%'`;
  await expect.poll(async () => (await opened.sql(sessions)).length).toBe(0);
  expect(await everything()).toEqual([0, 0, 0]);
});

test("the same process, let go, commits all of it", async () => {
  const letGo = await holdLock();
  const process = start();
  const committed = once(process, "message");
  await expect.poll(frozen, { timeout: 20_000 }).toBe(1);
  expect(await everything()).toEqual([0, 0, 0]);
  await letGo();
  await committed;
  expect(await everything()).toEqual([2, 1, 1]);
});
