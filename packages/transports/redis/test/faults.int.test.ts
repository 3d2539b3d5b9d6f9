import { faultCases } from "@postrider/fault-suite";
import { describe, expect, test } from "vitest";
import { knownFaults, openBrokerUnderFault } from "./support/faults.ts";

describe("Redis under load: nothing confirmed is lost, order holds, and all works again by itself, when", () => {
  test.each(faultCases(knownFaults))(
    "$title",
    async ({ run }) => {
      const broker = await openBrokerUnderFault();
      try {
        expect(await run(broker)).toEqual([]);
      } finally {
        await broker.remove();
      }
    },
    120_000,
  );
});
