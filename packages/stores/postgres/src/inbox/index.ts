import type { InboxStore } from "@postrider/core";
import type { Connection } from "../connection/connection.ts";
import { storeError } from "../errors.ts";
import type { Tables } from "../schema/tables.ts";
import type { Transactions } from "../transaction.ts";
import { prune } from "./prune.ts";
import { register, registerStatement } from "./register.ts";
import { unregister, unregisterStatement } from "./unregister.ts";

/** Marks stand in the handler's own transaction: the unique key is the whole of the deduplication. */
export function createInbox<Tx>(
  connection: Connection,
  tables: Tables,
  transactions: Transactions<Tx>,
): InboxStore<Tx> {
  const mark = registerStatement(tables);
  const unmark = unregisterStatement(tables);

  return {
    register: async (tx, consumer, messageIds) => {
      if (messageIds.length === 0) return new Set<string>();
      const sql = transactions.writable(tx);
      return register(sql, mark, consumer, messageIds).catch((error: unknown) => {
        throw storeError(error, "mark messages in the inbox");
      });
    },
    unregister: async (tx, consumer, messageIds) => {
      if (messageIds.length === 0) return;
      const sql = transactions.writable(tx);
      await unregister(sql, unmark, consumer, messageIds).catch((error: unknown) => {
        throw storeError(error, "take marks of the inbox back");
      });
    },
    prune: async (options) => {
      try {
        return await prune(connection, tables, options);
      } catch (error) {
        throw storeError(error, "prune the inbox");
      }
    },
  };
}
