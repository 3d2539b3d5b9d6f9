import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Plan, PlannedOrder } from "./plan.ts";

export interface Placed {
  /** Answered with 201, without the poisoned one. */
  readonly placed: number;
  readonly poisonedId: string | undefined;
  readonly watchedId: string | undefined;
}

export interface PlaceOptions {
  readonly url: string;
  readonly plan: Plan;
  /** The trace that the watched order is to be part of. */
  readonly traceId: string;
  /** Ends it early: what has been asked is answered, nothing more is asked. */
  readonly signal: AbortSignal;
  readonly onPlaced: (placed: number) => void;
  /** Awaited before the order of this index is asked for; the requests under way go on. */
  readonly beforeOrder?: ((index: number) => Promise<void>) | undefined;
}

/** Requests under way at once. */
const concurrency = 16;
const Answer = z.object({ orderId: z.string() });

/** Places all orders of the plan over HTTP, as any client would. Rejects when one of them is not answered with 201. */
export async function placeOrders(options: PlaceOptions): Promise<Placed> {
  const { url, plan, traceId, signal, onPlaced, beforeOrder } = options;
  const ids = new Map<PlannedOrder["part"], string>();
  let next = 0;
  let placed = 0;
  const failed = new AbortController();
  const goesOn = () => next <= plan.count && !signal.aborted && !failed.signal.aborted;

  const work = async (): Promise<void> => {
    while (goesOn()) {
      const index = next++;
      await beforeOrder?.(index);
      const order = plan.orderAt(index);
      const orderId = await post(url, order, traceId);
      if (order.part !== "plain") ids.set(order.part, orderId);
      if (order.part !== "poisoned") onPlaced(++placed);
    }
  };
  const workers = Array.from({ length: concurrency }, () =>
    work().catch((error: unknown) => {
      failed.abort();
      throw error;
    }),
  );
  const ended = await Promise.allSettled(workers);
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return { placed, poisonedId: ids.get("poisoned"), watchedId: ids.get("watched") };
}

async function post(url: string, { part, body }: PlannedOrder, traceId: string): Promise<string> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  // The caller decides that this request is traced: the last two digits say "sampled".
  if (part === "watched") headers["traceparent"] = `00-${traceId}-${randomBytes(8).toString("hex")}-01`;
  const response = await fetch(`${url}/orders`, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (response.status !== 201)
    throw new Error(`POST /orders was answered with ${response.status}: ${text.slice(0, 300)}`);
  return Answer.parse(JSON.parse(text)).orderId;
}
