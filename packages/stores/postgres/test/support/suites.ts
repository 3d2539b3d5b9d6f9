import { inboxSuite, outboxSuite, type StoreHarness, vitestRunner } from "@postrider/conformance";
import { Client } from "pg";
import * as vitest from "vitest";
import type { Database, Server, TestTx } from "./databases.ts";

let count = 0;

/** The suites that every store must pass, on one database. */
export function storeSuites(database: Database | Server): void {
  const { name, open } = database;
  const address = "url" in database ? database.url : undefined;
  const harness: StoreHarness<TestTx> = {
    name,
    transactions: address === undefined ? "serial" : "concurrent",
    create: async () => {
      const opened = await open(`conformance_${(count += 1)}`);
      await opened.sql(`CREATE TABLE "${opened.schema}".effect (key text)`);
      return {
        open: async () => opened.another(),
        writeEffect: async (tx, key) => {
          await tx.query(`INSERT INTO "${opened.schema}".effect VALUES ($1)`, [key]);
        },
        readEffects: async () =>
          (await opened.sql(`SELECT key FROM "${opened.schema}".effect`)).map((row) => String(row["key"])),
        drop: opened.close,
      };
    },
    // pg can tell; PGlite has no such handle.
    outsideTransaction: address === undefined ? undefined : () => idleClient(address()),
    savepoint: async (tx, work) => {
      await tx.query("SAVEPOINT conformance");
      await work().catch(async (error: unknown) => {
        await tx.query("ROLLBACK TO SAVEPOINT conformance");
        throw error;
      });
    },
  };
  outboxSuite(vitestRunner(vitest), harness);
  inboxSuite(vitestRunner(vitest), harness);
}

/** Connected, and in no transaction. */
async function idleClient(connectionString: string): Promise<TestTx> {
  const client = new Client(connectionString);
  await client.connect();
  vitest.onTestFinished(() => client.end());
  return client;
}
