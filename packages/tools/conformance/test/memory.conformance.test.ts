import { afterAll, describe, expect, test } from "vitest";
import { inboxSuite, outboxSuite, transportSuite, vitestRunner } from "../src/index.ts";
import { memoryStoreHarness, memoryTransportHarness } from "./support/memory-harness.ts";

const runner = vitestRunner({ describe, test, afterAll });

const transport = transportSuite(runner, memoryTransportHarness());
const outbox = outboxSuite(runner, memoryStoreHarness());
const inbox = inboxSuite(runner, memoryStoreHarness());

describe("150. what the memory transport and store are not asked to prove", () => {
  test("is only what they do not claim, or what the contract gives no way to prove", () => {
    expect(transport.notApplicable.map((one) => one.title)).toMatchInlineSnapshot(`
      [
        "54. connect with credentials that are refused fails with TRANSPORT_ACCESS_REFUSED in time",
        "27. a delivery held for longer than its lease is not delivered to another",
        "a second member of an ordered group is refused where order holds in one process only",
        "with members: each, a transport without fan-out refuses",
        "11. a new group that cannot start in the past says so or gets only what is new",
        "a second message of the same id is dropped inside the deduplication window",
        "capability nativeDeadLetter",
        "capability wildcards",
        "capability requestReply",
        "capability orderedPipelining",
        "capability leaseExtension",
      ]
    `);
    expect(outbox.notApplicable).toEqual([]);
    expect(inbox.notApplicable).toEqual([]);
  });
});
