import { z } from "zod";
import type { Sql } from "../wiring/database.ts";

/** One order as `GET /orders/:id` answers. */
const Order = z.object({
  orderId: z.string(),
  reference: z.string(),
  status: z.enum(["placed", "shipped"]),
  trackingCode: z.string().nullable(),
});
export type Order = z.infer<typeof Order>;

const CommittedOrder = z.object({ orderId: z.string(), reference: z.string() });
export type CommittedOrder = z.infer<typeof CommittedOrder>;

export async function findOrder(sql: Sql, orderId: string): Promise<Order | undefined> {
  const { rows } = await sql.query(
    `SELECT order_id AS "orderId", reference, status, tracking_code AS "trackingCode" FROM orders WHERE order_id = $1`,
    [orderId],
  );
  return rows[0] === undefined ? undefined : Order.parse(rows[0]);
}

export interface OrderPage {
  /** How the references of the wanted orders begin. */
  readonly referencePrefix: string;
  /** The last order of the page before; "" for the first page. */
  readonly after: string;
  readonly limit: number;
}

/** Committed orders by their ids, a page at a time. */
export async function listOrders(
  sql: Sql,
  { referencePrefix, after, limit }: OrderPage,
): Promise<CommittedOrder[]> {
  const { rows } = await sql.query(
    `SELECT order_id AS "orderId", reference FROM orders WHERE reference LIKE $1 || '%' AND order_id > $2 ORDER BY order_id LIMIT $3`,
    [referencePrefix, after, limit],
  );
  return CommittedOrder.array().parse(rows);
}

/** How many of these orders are marked as shipped. */
export async function countShipped(sql: Sql, referencePrefix: string): Promise<number> {
  const { rows } = await sql.query(
    "SELECT count(*)::integer AS count FROM orders WHERE reference LIKE $1 || '%' AND status = 'shipped'",
    [referencePrefix],
  );
  return z.tuple([z.object({ count: z.int() })]).parse(rows)[0].count;
}
