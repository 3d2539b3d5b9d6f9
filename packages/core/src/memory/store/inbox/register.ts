import type { Transaction } from "../transaction.ts";
import { markName, type Marks } from "./marks.ts";

/** The ids that this consumer has not worked on, marked from now on with the transaction. */
export async function register(
  marks: Marks,
  transaction: Transaction,
  consumer: string,
  messageIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const fresh = new Set<string>();
  // In one order everywhere: two batches with the same ids wait for each other one way only.
  for (const id of [...new Set(messageIds)].sort()) {
    const name = markName(consumer, id);
    if (isMarked(marks, transaction, name)) continue;
    await transaction.lock(`mark ${name}`);
    if (isMarked(marks, transaction, name)) continue;
    transaction.frame().marks.set(name, "set");
    fresh.add(id);
  }
  return new Set(messageIds.filter((id) => fresh.has(id)));
}

/** Takes marks of this very transaction back. Those of others, and committed ones, stay. */
export function unregister(transaction: Transaction, consumer: string, messageIds: readonly string[]): void {
  const innermost = transaction.frame();
  for (const id of messageIds) innermost.marks.set(markName(consumer, id), "unset");
}

function isMarked(marks: Marks, transaction: Transaction, name: string): boolean {
  return ownMark(transaction, name) === "set" || marks.has(name);
}

function ownMark(transaction: Transaction, name: string): "set" | "unset" | undefined {
  return transaction
    .frames()
    .findLast((frame) => frame.marks.has(name))
    ?.marks.get(name);
}
