import type { PageBounds } from "../../../contracts/relay-store.ts";
import { pageOf } from "./page.ts";
import { orderKey, type ParkedRow } from "./parked-row.ts";

/** One key may take this part of a page, so that several get on side by side. */
const shareOfOneKey = 4;

/** What a page of due rows is taken from: the row whose time has come, and those right behind it that wait for it. */
interface Run {
  readonly dueAtMs: number;
  readonly rows: ParkedRow[];
  /** False after a row that waits for something else. */
  open: boolean;
}

/** Due rows with what waits behind them, those that wait longest first. */
export function dueRows(
  rows: Iterable<ParkedRow>,
  nowMs: number,
  bounds: PageBounds,
): { readonly rows: readonly ParkedRow[]; readonly nextInMs: number | undefined } {
  const runs = new Map<string, Run>();
  const blocked = new Set<string>();
  const ofOneKey = Math.ceil(bounds.maxRows / shareOfOneKey);
  let nextAtMs = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const key = orderKey(row.event);
    const { status, dueAtMs = 0, holds } = row;
    if (status === "retry" && dueAtMs > nowMs) nextAtMs = Math.min(nextAtMs, dueAtMs);
    const run = runs.get(key);
    if (run === undefined) {
      if (status === "retry" && dueAtMs <= nowMs && !blocked.has(key))
        runs.set(key, { dueAtMs, rows: [row], open: holds });
    } else if (run.open && holds) {
      if (status === "held" && run.rows.length < ofOneKey) run.rows.push(row);
      else run.open = false;
    }
    if (holds) blocked.add(key);
  }
  const inTurn = [...runs.values()].sort((a, b) => a.dueAtMs - b.dueAtMs).flatMap((run) => run.rows);
  const page = pageOf(
    inTurn.map((row) => ({ ...row.event, row })),
    bounds,
  );
  const nextInMs = nextAtMs === Number.POSITIVE_INFINITY ? undefined : nextAtMs - nowMs;
  return { rows: page.map(({ row }) => row), nextInMs };
}
