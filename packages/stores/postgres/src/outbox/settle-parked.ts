import type { ParkedEvent, ParkedResult, RelayLease } from "@postrider/core";
import type { Connection, Run } from "../connection/connection.ts";
import { fence } from "../lease/fence.ts";
import type { Tables } from "../schema/tables.ts";
import { sayingOf } from "./park.ts";
import { releaseNext } from "./release-next.ts";

/** Writes down what became of a due row, and lets the next of its key go where this one no longer stands in front. */
export async function settleParked(
  connection: Connection,
  tables: Tables,
  lease: RelayLease,
  event: ParkedEvent,
  result: ParkedResult,
): Promise<void> {
  await connection.transaction(async (run) => {
    await fence(run, tables, lease);
    await write(run, tables, event, result);
    const { channel, key } = event;
    if (letsGo(result) && key !== undefined) await releaseNext(run, tables, [{ channel, key }]);
  });
}

async function write(run: Run, tables: Tables, event: ParkedEvent, result: ParkedResult): Promise<void> {
  switch (result.kind) {
    case "published":
    case "discarded":
      await run(`DELETE FROM ${tables.parked} WHERE seq = $1::bigint`, [event.position]);
      return;
    case "retry":
      await run(
        `UPDATE ${tables.parked} SET status = 'retry', attempts = $2::integer,
         next_attempt_at = to_timestamp($3::double precision / 1000.0), last_error = $4 WHERE seq = $1::bigint`,
        [event.position, result.attempts, result.nextAttemptAtMs, sayingOf(result.error)],
      );
      return;
    case "dead":
      await run(
        `UPDATE ${tables.parked} SET status = 'dead', attempts = $2::integer, next_attempt_at = NULL, last_error = $3,
         holds = holds AND $4::boolean WHERE seq = $1::bigint`,
        [event.position, result.attempts, sayingOf(result.error), result.onDead === "hold-key"],
      );
  }
}

function letsGo(result: ParkedResult): boolean {
  return (
    result.kind === "published" ||
    result.kind === "discarded" ||
    (result.kind === "dead" && result.onDead === "skip")
  );
}
