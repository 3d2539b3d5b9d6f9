import type { StoreScope } from "../store/scope.ts";

/** Registers in a transaction of its own, which commits. Returns the new ids in the order given. */
export async function registerAlone<Tx>(
  scope: StoreScope<Tx>,
  consumer: string,
  messageIds: readonly string[],
): Promise<readonly string[]> {
  const { store } = scope;
  const fresh = await scope.wait(
    `register for ${consumer}`,
    store.transaction((tx) => store.inbox.register(tx, consumer, messageIds)),
  );
  return [...new Set(messageIds)]
    .filter((id) => fresh.has(id))
    .concat([...fresh].filter((id) => !messageIds.includes(id)));
}
