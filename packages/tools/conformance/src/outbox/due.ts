import { claim, claimEqual } from "../case/claim.ts";
import { sealed } from "../store/event.ts";
import { idsOf, pageOf } from "../store/scope.ts";
import type { StoreCase } from "../store/scope.ts";
import { dead, due, held, hourMs, parkRows, retryIn } from "./park-rows.ts";

const shortMs = 100;

export const dueCases: readonly StoreCase[] = [
  {
    title: "101. a parked row is due when its time has come, and not before",
    body: async (scope) => {
      const lease = await scope.lease();
      const [now, soon, later] = [sealed({ key: "a" }), sealed({ key: "b" }), sealed({ key: "c" })];
      const parkedAfterMs = performance.now();
      await parkRows(scope, lease, [
        [soon, (row) => retryIn(row, shortMs)],
        [now, (row) => retryIn(row, 0)],
        [later, (row) => retryIn(row, hourMs)],
      ]);
      claim(
        (await due(scope, lease)).some(({ id }) => id === now.id),
        "a row without a wait must be due",
      );
      await scope.until("a row's time to come", async () =>
        (await due(scope, lease)).some(({ id }) => id === soon.id),
      );
      // The two clocks need not run alike to the millisecond.
      claim(performance.now() - parkedAfterMs > shortMs * 0.8, "a row was due before its time");
      const { events, nextInMs } = await scope.wait("due", scope.store.relay.due(lease, pageOf(100)));
      claimEqual(idsOf(events), [now.id, soon.id], "due rows, those that wait longest first");
      claim(
        nextInMs !== undefined && nextInMs > hourMs / 2 && nextInMs <= hourMs,
        "nextInMs must tell when the time of the next row comes",
      );
    },
  },
  {
    title:
      "the rows that wait behind a due one come with it, in order, up to the first that waits for something else",
    body: async (scope) => {
      const lease = await scope.lease();
      const [head, second, third, stop, last] = ["1", "2", "3", "4", "5"].map((id) =>
        sealed({ id, key: "a" }),
      );
      const other = sealed({ key: "b" });
      claim(head && second && third && stop && last, "events");
      await parkRows(scope, lease, [
        [head, (row) => retryIn(row, 0)],
        [second, held],
        [third, held],
        [stop, (row) => retryIn(row, hourMs)],
        [last, held],
        [other, dead],
        [sealed({ key: "b" }), held],
        // The same key in another channel is another key.
        [sealed({ key: "a", channel: "com.example.other" }), (row) => retryIn(row, hourMs)],
        [sealed({ key: "a", channel: "com.example.other" }), held],
      ]);
      claimEqual(idsOf(await due(scope, lease)), idsOf([head, second, third]), "due rows");
      claimEqual(
        (await due(scope, lease)).map(({ status }) => status),
        ["retry", "held", "held"],
        "their status",
      );
    },
  },
  {
    title: "a page of due rows has at most the rows and bytes asked for, and several keys share it",
    body: async (scope) => {
      const lease = await scope.lease();
      const keys = ["a", "b", "c", "d"];
      for (const key of keys) {
        const events = Array.from({ length: 5 }, () => sealed({ key, payload: Buffer.alloc(2_000, "x") }));
        await parkRows(
          scope,
          lease,
          events.map((event, n) => [event, (row) => (n === 0 ? retryIn(row, 0) : held(row))] as const),
        );
      }
      const page = (maxRows: number, maxBytes: number) => due(scope, lease, { maxRows, maxBytes });
      claimEqual((await page(1_000, 1_000_000)).length, 20, "rows of a page with room for all");
      const eight = await page(8, 1_000_000);
      claimEqual(eight.length, 8, "rows of a page of eight");
      claimEqual(new Set(eight.map(({ key }) => key)), new Set(keys), "keys on a page of eight rows");
      claimEqual((await page(2, 1_000_000)).length, 2, "rows of a page of two");
      claimEqual((await page(1_000, 6_500)).length, 3, "rows of a page of 6,500 bytes");
      claimEqual((await page(1_000, 1)).length, 1, "rows of a page of one byte");
    },
  },
];
