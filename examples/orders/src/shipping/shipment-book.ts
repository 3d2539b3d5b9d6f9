import { z } from "zod";
import type { Sql } from "../wiring/database.ts";

/** What shipping has done about some orders. */
const ShippedOrders = z.object({
  /** Times that one of them came in. */
  deliveries: z.int(),
  /** Rows in `shipments`. */
  shipments: z.int(),
  /** Orders with at least one shipment. */
  orders: z.int(),
});
export type ShippedOrders = z.infer<typeof ShippedOrders>;

export async function countShipments(sql: Sql, orderIds: readonly string[]): Promise<ShippedOrders> {
  const { rows } = await sql.query(
    `SELECT (SELECT count(*)::integer FROM deliveries WHERE order_id = ANY($1::text[])) AS deliveries,
            count(*)::integer AS shipments,
            count(DISTINCT order_id)::integer AS orders
       FROM shipments WHERE order_id = ANY($1::text[])`,
    [[...orderIds]],
  );
  return z.tuple([ShippedOrders]).parse(rows)[0];
}
