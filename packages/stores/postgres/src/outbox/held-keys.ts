import type { HeldKey } from "@postrider/core";
import type { Connection } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import { text } from "./columns.ts";

/** Keys that later events must wait behind: not those whose dead rows were told to let others pass. */
export async function heldKeys(connection: Connection, tables: Tables): Promise<readonly HeldKey[]> {
  const answers = await connection.script([
    `SELECT DISTINCT aggregatetype, partitionkey FROM ${tables.parked} WHERE holds AND partitionkey IS NOT NULL`,
  ]);
  return (answers.at(-1) ?? []).map((row) => ({
    channel: text(row, "aggregatetype"),
    key: text(row, "partitionkey"),
  }));
}
