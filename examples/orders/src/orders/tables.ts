/** What the orders service owns. The library's own tables stand beside these, made by `store.migrate()`. */
export const ordersTables = `
  CREATE TABLE IF NOT EXISTS orders (
    order_id      text PRIMARY KEY,
    customer_id   text NOT NULL,
    reference     text NOT NULL,
    city          text NOT NULL,
    country       text NOT NULL,
    delivery      text NOT NULL,
    status        text NOT NULL DEFAULT 'placed',
    placed_at     timestamptz NOT NULL DEFAULT now(),
    shipped_at    timestamptz,
    tracking_code text
  );
  CREATE TABLE IF NOT EXISTS order_lines (
    order_id text NOT NULL REFERENCES orders,
    line     integer NOT NULL,
    sku      text NOT NULL,
    quantity integer NOT NULL,
    PRIMARY KEY (order_id, line)
  );
  CREATE INDEX IF NOT EXISTS orders_by_reference ON orders (reference text_pattern_ops);
`;
