import type { ParkedEvent, ParkedStatus } from "@postrider/core";
import type { Row } from "../connection/connection.ts";
import { eventOf, millisecondsOf, optional, selectedColumns, text } from "./columns.ts";

/** What is read of a parked row. */
export function selectedParked(alias: string): string {
  return [
    selectedColumns(alias),
    `${alias}.status`,
    `${alias}.attempts`,
    `${millisecondsOf(`${alias}.next_attempt_at`)} AS next_attempt_at_ms`,
    `${alias}.last_error`,
    `${millisecondsOf(`${alias}.parked_at`)} AS parked_at_ms`,
  ].join(", ");
}

export function parkedOf(row: Row): ParkedEvent {
  const next = optional(row, "next_attempt_at_ms");
  return {
    ...eventOf(row),
    status: statusOf(text(row, "status")),
    attempts: Number(row["attempts"]),
    nextAttemptAtMs: next === undefined ? undefined : Number(next),
    lastError: optional(row, "last_error"),
    parkedAtMs: Number(row["parked_at_ms"]),
  };
}

function statusOf(value: string): ParkedStatus {
  return value === "retry" || value === "held" ? value : "dead";
}
