import { expect, test } from "vitest";
import { createMemoryInbox } from "../../src/inbox/memory-inbox.ts";

const claims = async (inbox: ReturnType<typeof createMemoryInbox>, ...ids: string[]) => [
  ...(await inbox.claim(ids)),
];

test("an id is to be worked on once", async () => {
  const inbox = createMemoryInbox(10);
  expect(await claims(inbox, "a", "b", "a")).toEqual(["a", "b"]);
  inbox.settle("a", "worked");
  inbox.settle("b", "failed");
  expect(await claims(inbox, "a", "b")).toEqual(["b"]);
});

test("of several claims at once one gets the id; its failure lets the next one run, its success ends them all", async () => {
  const inbox = createMemoryInbox(10);
  const order: string[] = [];
  const claim = async (who: string) => {
    order.push(`${who} ${(await inbox.claim(["a"])).has("a")}`);
  };
  const all = [claim("first"), claim("second"), claim("third")];
  await all[0];
  expect(order).toEqual(["first true"]);
  inbox.settle("a", "failed");
  await all[1];
  inbox.settle("a", "worked");
  await Promise.all(all);
  expect(order).toEqual(["first true", "second true", "third false"]);
});

test("two claims of the same ids in different order do not wait for each other", async () => {
  const inbox = createMemoryInbox(10);
  const first = claims(inbox, "b", "a");
  const second = claims(inbox, "a", "b");
  for (const id of await first) inbox.settle(id, "worked");
  expect(await second).toEqual([]);
});

test("the oldest ids are forgotten beyond its capacity", async () => {
  const inbox = createMemoryInbox(2);
  for (const id of ["a", "b", "c"]) {
    await inbox.claim([id]);
    inbox.settle(id, "worked");
  }
  expect(await claims(inbox, "a", "b", "c")).toEqual(["a"]);
});
