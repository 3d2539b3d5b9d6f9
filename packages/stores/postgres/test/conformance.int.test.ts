import { inboxSuite, outboxSuite, type StoreHarness, vitestRunner } from "@postrider/conformance";
import { Client } from "pg";
import * as vitest from "vitest";
import { databases, type TestTx, url } from "./support/databases.ts";

let count = 0;

/** Connected, and in no transaction: pg can tell, PGlite has no such handle. */
async function idleClient(): Promise<TestTx> {
  const client = new Client(url());
  await client.connect();
  vitest.onTestFinished(() => client.end());
  return client;
}

for (const { name, open } of databases) {
  const harness: StoreHarness<TestTx> = {
    name,
    transactions: name === "PGlite" ? "serial" : "concurrent",
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
    outsideTransaction: name === "PGlite" ? undefined : idleClient,
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
