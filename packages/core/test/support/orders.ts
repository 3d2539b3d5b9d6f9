import { defineCommand, defineEvent } from "@postrider/core";
import * as v from "valibot";
import { z } from "zod";

/** Events and a command that the tests of the publish path send. */

export const Placed = defineEvent("com.acme.orders.order-placed.v1", {
  data: z.object({ orderId: z.string(), n: z.number().optional(), note: z.string().optional() }),
  key: (order) => order.orderId,
});

/** In the channel of Placed. */
export const Cancelled = defineEvent("com.acme.orders.order-cancelled.v1", {
  data: z.object({ orderId: z.string(), n: z.number().optional() }),
  key: (order) => order.orderId,
});

/** Without a key, in a channel of its own. */
export const Ticked = defineEvent("com.acme.ticks.ticked.v1", { data: z.object({ n: z.number() }) });

export const Ship = defineCommand("com.acme.shipping.ship.v1", { data: z.object({ orderId: z.string() }) });

/** In the channel of Placed, with a schema that answers when `answer` is called with its note. */
export function slowEvent() {
  const waiting = new Map<string, () => void>();
  const Slow = defineEvent("com.acme.orders.order-checked.v1", {
    data: v.pipeAsync(
      v.object({ orderId: v.string(), note: v.string() }),
      v.checkAsync(async ({ note }) => {
        await new Promise<void>((resolve) => waiting.set(note, resolve));
        return note !== "wrong";
      }, "it is wrong"),
    ),
    key: (order) => order.orderId,
  });
  return { Slow, waiting, answer: (note: string) => waiting.get(note)?.() };
}
