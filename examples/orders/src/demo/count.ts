import type { Orders } from "../orders/start.ts";
import type { Shipping } from "../shipping/start.ts";
import type { Plan } from "./plan.ts";

/** What the tables of both services say of one run. */
export interface Counted {
  readonly deliveries: number;
  readonly effects: number;
  readonly lost: number;
}

const pageSize = 5_000;

/**
 * Goes through the committed orders, and asks shipping what it has done about each: services share no table that could
 * be joined. Orders of other runs do not count, nor does the poisoned one.
 */
export async function countRun(
  orders: Pick<Orders, "list">,
  shipping: Pick<Shipping, "countShipments">,
  { referencePrefix, poisonedReference }: Plan,
): Promise<Counted> {
  let counted: Counted = { deliveries: 0, effects: 0, lost: 0 };
  let after = "";
  for (;;) {
    const page = await orders.list({ referencePrefix, after, limit: pageSize });
    const wanted = page.flatMap(({ orderId, reference }) =>
      reference === poisonedReference ? [] : [orderId],
    );
    const shipped = await shipping.countShipments(wanted);
    counted = {
      deliveries: counted.deliveries + shipped.deliveries,
      effects: counted.effects + shipped.shipments,
      lost: counted.lost + wanted.length - shipped.orders,
    };
    after = page.at(-1)?.orderId ?? "";
    if (page.length < pageSize) return counted;
  }
}
