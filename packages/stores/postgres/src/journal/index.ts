import type { DomainJournal } from "@postrider/core";
import { storeError } from "../errors.ts";
import type { Tables } from "../schema/tables.ts";
import type { Transactions } from "../transaction.ts";
import { append, appendStatement } from "./append.ts";

/** The journal of domain events, written in the transactions that are given. */
export function createJournal<Tx>(tables: Tables, transactions: Transactions<Tx>): DomainJournal<Tx> {
  const write = appendStatement(tables);
  return {
    append: async (tx, entries) => {
      const sql = transactions.writable(tx);
      try {
        await append(sql, write, entries);
      } catch (error) {
        throw storeError(error, "write the journal of domain events");
      }
    },
  };
}
