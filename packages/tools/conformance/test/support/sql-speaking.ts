import type { SealedEvent, SqlTx, Store } from "@postrider/core";

/**
 * The memory store as if it spoke SQL: one statement appends the events that are its values. Where a store is asked
 * for the number of its statements there must be some.
 */
export function speakingSql<Tx extends object>(inner: Store<Tx>): Store<Tx> {
  const isSql = (tx: Tx | SqlTx): tx is SqlTx => "execute" in tx;
  return {
    ...inner,
    dialect: "sqlite",
    enlist: (tx) => ({
      mode: "async",
      placeholders: "?",
      inTransaction: () => true,
      execute: async (_text, values) => {
        await inner.outbox.append(tx, values as readonly SealedEvent[]);
        return { rows: [], affected: values.length };
      },
    }),
    outbox: {
      ...inner.outbox,
      append: async (tx, events) => {
        if (isSql(tx)) await tx.execute("insert", events);
        else await inner.outbox.append(tx, events);
      },
    },
  };
}
