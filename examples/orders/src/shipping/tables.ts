/**
 * What the shipping service owns. `shipments.order_id` is not unique on purpose: a second shipment of one order must
 * show as a row, and not be hidden by the table. The inbox is what prevents it.
 */
export const shippingTables = `
  CREATE TABLE IF NOT EXISTS shipments (
    shipment_id   text PRIMARY KEY,
    order_id      text NOT NULL,
    tracking_code text NOT NULL,
    city          text NOT NULL,
    country       text NOT NULL,
    booked_at     timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX IF NOT EXISTS shipments_by_order ON shipments (order_id);
  CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    order_id    text,
    attempt     integer NOT NULL,
    came_in_at  timestamptz NOT NULL DEFAULT now()
  );
  CREATE INDEX IF NOT EXISTS deliveries_by_order ON deliveries (order_id);
`;
