import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";
import { connected, listen, outgoing, publish, settled } from "./support/clients.ts";

test("a delivery runs in the async context of its subscriber, not in that of the publisher", async () => {
  const storage = new AsyncLocalStorage<string>();
  const transport = await connected();
  const seen: (string | undefined)[] = [];
  await storage.run("subscriber", () => listen(transport, {}, () => seen.push(storage.getStore())));
  await settled();
  await storage.run("publisher", () => publish(transport, outgoing("a")));
  await settled();
  expect(seen).toEqual(["subscriber"]);
});
