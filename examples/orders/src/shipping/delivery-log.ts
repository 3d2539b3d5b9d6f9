import type { Delivery, Logger } from "@postrider/core";
import type { Sql } from "../wiring/database.ts";

/** Writes a row for every delivery that comes in, whatever becomes of it. */
export interface DeliveryLog {
  /** Calls `handOver` once the row is committed. Deliveries are handed over in the order they came. */
  record(delivery: Delivery, handOver: () => void): void;
  /** Resolves when everything recorded has been handed over. */
  idle(): Promise<void>;
}

interface Entry {
  readonly delivery: Delivery;
  readonly handOver: () => void;
}

const maxRows = 500;

/**
 * The rows are committed by themselves, before the handler's transaction begins. Not inside the handler: there they
 * would be rolled back with a failed attempt, PGlite has one connection, so that a second statement would wait for the
 * transaction that waits for it, and a duplicate never gets as far as the handler. What waits here is not settled yet,
 * so the subscription's own bound holds for it.
 */
export function createDeliveryLog(sql: Sql, logger: Logger): DeliveryLog {
  const waiting: Entry[] = [];
  let writing: Promise<void> | undefined;

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const entries = waiting.splice(0, maxRows);
      try {
        await insert(sql, entries);
      } catch (error) {
        // A count that is short must not stop an order.
        logger.error("Deliveries were not counted", { count: entries.length, reason: String(error) });
      }
      for (const { handOver } of entries) handOver();
    }
    writing = undefined;
  };

  return {
    record: (delivery, handOver) => {
      waiting.push({ delivery, handOver });
      writing ??= writeAll();
    },
    idle: async () => writing,
  };
}

async function insert(sql: Sql, entries: readonly Entry[]): Promise<void> {
  await sql.query(
    "INSERT INTO deliveries (order_id, attempt) SELECT * FROM unnest($1::text[], $2::integer[])",
    [
      entries.map(
        ({ delivery }) => delivery.message.attributes["partitionkey"] ?? delivery.message.key ?? null,
      ),
      entries.map(({ delivery }) => delivery.attempt),
    ],
  );
}
