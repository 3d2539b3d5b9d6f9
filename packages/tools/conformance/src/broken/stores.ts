import type { StoreDatabase, StoreHarness } from "../harness.ts";
import { inboxFaults } from "./inbox.ts";
import { appendFaults } from "./appending.ts";
import type { BrokenStore } from "./over-store.ts";
import { readFaults } from "./reading.ts";
import { relayFaults } from "./relay.ts";

/** Faults that any store can be given, to see that the suites notice them through a harness. Each turns cases red. */
export const brokenStores: readonly BrokenStore[] = Object.freeze([
  ...appendFaults,
  ...readFaults,
  ...relayFaults,
  ...inboxFaults,
]);

/** The harness with a fault in every store it opens. */
export function withStoreFault<Tx, Database extends StoreDatabase<Tx>>(
  harness: StoreHarness<Tx, Database>,
  broken: BrokenStore,
): StoreHarness<Tx, Database> {
  return {
    ...harness,
    name: `${harness.name}, which ${broken.fault}`,
    create: async () => {
      const database = await harness.create();
      return { ...database, open: async () => broken.breaks(await database.open()) };
    },
  };
}
