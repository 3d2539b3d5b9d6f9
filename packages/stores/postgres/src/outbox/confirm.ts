import type { StoredEvent } from "@postrider/core";
import type { Connection } from "../connection/connection.ts";
import type { Tables } from "../schema/tables.ts";
import type { Mark } from "./mark.ts";
import { intoArchive } from "./archive.ts";
import { positionList } from "./positions.ts";

/** An id of our own, given out after the last read looked (see mark.ts). */
const ownId = "pg_current_xact_id()";

export function confirmStatements(
  tables: Tables,
  id: string = ownId,
  archive: "kept" | "none" = "none",
): (positions: string) => readonly string[] {
  const [gives, keeping] = archive === "kept" ? ["*", `, ${intoArchive(tables)}`] : ["1", ""];
  return (positions) => [
    "SET LOCAL enable_seqscan = off",
    `WITH gone AS (DELETE FROM ${tables.event} WHERE seq = ANY ('${positions}'::bigint[]) RETURNING ${gives})${keeping} ` +
      `SELECT ${id}::text AS id, (SELECT count(*) FROM gone)::text AS gone`,
  ];
}

/**
 * Deletes exactly these rows. Needs no lease: whoever confirms a row has published it, so it may go, and a row that
 * is gone already is no error.
 */
export async function confirm(
  connection: Connection,
  statements: (positions: string) => readonly string[],
  mark: Mark | undefined,
  events: readonly StoredEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const last = mark?.look();
  const answers = await connection.script(statements(positionList(events.map((event) => event.position))));
  mark?.drew(last, BigInt(String(answers.at(-1)?.[0]?.["id"])));
}
