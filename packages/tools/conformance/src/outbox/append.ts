import type { SqlTx } from "@postrider/core";
import { claim, claimEqual } from "../case/claim.ts";
import { claimSameEvent, sealed } from "../store/event.ts";
import { idsOf, sealedRun } from "../store/scope.ts";
import type { StoreCase } from "../store/scope.ts";

export const appendCases: readonly StoreCase[] = [
  {
    title: "append writes all events in one statement, whatever their number, in the order given",
    body: async (scope) => {
      const { store } = scope;
      const lease = await scope.lease();
      const written: string[] = [];
      for (const count of [1, 2, 20, 500]) {
        const events = sealedRun(count, { key: "order-7", shard: 3 });
        written.push(...idsOf(events));
        const statements = await scope.wait(
          `an append of ${count}`,
          store.transaction(async (tx) => {
            if (store.dialect !== "memory") {
              const counted = countStatements(store.enlist(tx));
              await store.outbox.append(counted.tx, events);
              return counted.count();
            }
            await store.outbox.append(tx, events);
            return 1;
          }),
        );
        claimEqual(statements, 1, `statements for ${count} events`);
      }
      claimEqual(idsOf(await scope.read(lease)), written, "events in the order given");
    },
  },
  {
    title: "append of no event writes nothing",
    body: async (scope) => {
      const lease = await scope.lease();
      await scope.commit([]);
      claimEqual(idsOf(await scope.read(lease)), [], "events read");
    },
  },
  {
    title: "90. two appends in one transaction are one ordered set",
    body: async (scope) => {
      const { store } = scope;
      const lease = await scope.lease();
      const [first, second] = [sealedRun(3, { key: "k", shard: 1 }), sealedRun(2, { key: "k", shard: 1 })];
      const both = store.transaction(async (tx) => {
        await store.outbox.append(tx, first);
        await store.outbox.append(tx, second);
      });
      await scope.wait("two appends", both);
      claimEqual(idsOf(await scope.read(lease)), idsOf([...first, ...second]), "events read");
    },
  },
  {
    title: "105. every attribute, header of the trace and byte of the data is read as it was written",
    body: async (scope) => {
      const lease = await scope.lease();
      const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
      const full = sealed({
        subject: "orders/7 🐎",
        dataschema: "https://schemas.example.com/order?v=1",
        key: "order-7 ä",
        shard: 15,
        extensions: {
          correlationid: "c-1",
          causationid: "c-0",
          sequence: 2_147_483_647,
          sampled: true,
          note: "für",
        },
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        tracestate: "a=1",
        tenant: "acme",
      });
      const events = [
        full,
        sealed({ payload: everyByte, contentType: "application/octet-stream" }),
        sealed({ payload: new Uint8Array(0), contentType: "application/octet-stream" }),
        sealed({ payload: undefined, contentType: undefined }),
        sealed({ time: undefined, extensions: { empty: "", zero: 0, no: false, negative: -2_147_483_648 } }),
        sealed({ payload: new Uint8Array(300_000).fill(0x61) }),
      ];
      await scope.commit(events);
      const read = await scope.read(lease);
      claimEqual(idsOf(read), idsOf(events), "events read");
      for (const [index, event] of events.entries()) {
        const row = read[index];
        claim(row, "a row per event");
        claimSameEvent(row, event);
        claim(typeof row.position === "string" && row.position !== "", "position must be a text");
        claim(
          Math.abs(row.storedAtMs - Date.now()) < 600_000,
          "storedAtMs must be the time of the write, in milliseconds",
        );
      }
    },
  },
  {
    title: "106. signal never throws, and is heard by whoever listens until it ends listening",
    body: async (scope) => {
      const { outbox } = scope.store;
      let heard = 0;
      const end = outbox.onSignal(() => void (heard += 1));
      outbox.signal();
      await scope.until("a signal to be heard", () => heard > 0);
      end();
      await scope.commit(sealedRun(1));
      outbox.signal();
    },
  },
];

function countStatements(tx: SqlTx): { readonly tx: SqlTx; readonly count: () => number } {
  let count = 0;
  const execute: SqlTx["execute"] = (text, values) => {
    count += 1;
    return tx.execute(text, values);
  };
  return { tx: { ...tx, execute }, count: () => count };
}
