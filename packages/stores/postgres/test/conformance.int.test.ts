import { inboxSuite, outboxSuite, type StoreHarness, vitestRunner } from "@postrider/conformance";
import * as vitest from "vitest";
import { databases, type TestTx } from "./support/databases.ts";

let count = 0;

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
        readEffects: async () => (await opened.sql(`SELECT key FROM "${opened.schema}".effect`)).map((row) => String(row["key"])),
        drop: opened.close,
      };
    },
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
