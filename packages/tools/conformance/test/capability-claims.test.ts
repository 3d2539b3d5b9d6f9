import { memory, memoryBroker } from "@postrider/core";
import type { Capabilities, CapabilityName, Transport } from "@postrider/core";
import { expect, test } from "vitest";
import { collectCases, runCases, transportSuite } from "../src/index.ts";
import { memoryTransportHarness } from "./support/memory-harness.ts";

/** Claims that are wrong for the memory transport, and the case that finds out; undefined where none can. */
const wrongClaims: Readonly<Record<CapabilityName, readonly [claim: unknown, foundBy: string | undefined]>> = {
  orderingScope: ["process", "a second member of an ordered group is refused where order holds in one process only"],
  nativeDelay: [false, undefined],
  nativeDeadLetter: [true, undefined],
  deliveryCount: [false, "21. a crash between hand-over and settle delivers again, flagged as redelivered"],
  leaseExtension: [true, undefined],
  nativeDedupeWindowMs: [60_000, "a second message of the same id is dropped inside the deduplication window"],
  wildcards: [true, undefined],
  fanOut: [false, "with members: each, a transport without fan-out refuses"],
  replay: [false, "11. a new group that cannot start in the past says so or gets only what is new"],
  maxMessageBytes: [
    4_096,
    "4. a message at the size limit is taken, one over it is rejected with TRANSPORT_TOO_LARGE as its own fault",
  ],
  orderedPipelining: [false, undefined],
  requestReply: [true, undefined],
};

const names = Object.keys(wrongClaims) as readonly CapabilityName[];

test.each(names)("154. a wrong claim about %s is found out, or reported as nothing that can be proved", async (name) => {
  const [claimed, foundBy] = wrongClaims[name];
  const capabilities = Object.freeze({ ...memory({ broker: memoryBroker() }).capabilities, [name]: claimed }) as Capabilities;
  const harness = memoryTransportHarness();
  const create = async (): Promise<Transport> => {
    const transport = await harness.create();
    return Object.defineProperty({ ...transport }, "capabilities", { value: capabilities });
  };
  const { crash: _crash, cutConnection: _cut, ...rest } = harness;
  let unprovable: readonly string[] = [];
  const crashed = async (transport: Transport): Promise<void> => {
    if ("crash" in transport && typeof transport.crash === "function") transport.crash();
  };
  const all = collectCases((runner) => {
    const report = transportSuite(runner, { ...rest, capabilities, create, crash: crashed }, { timeoutMs: 3_000, load: 0.02 });
    unprovable = report.notApplicable.map((one) => one.title);
  });
  if (foundBy === undefined) {
    expect(unprovable.filter((title) => title === `capability ${name}` || title.startsWith("27."))).not.toEqual([]);
    return;
  }
  const results = await runCases({ ...all, cases: all.cases.filter((one) => one.title === foundBy) });
  expect(results[0]).toMatchObject({ title: foundBy, passed: false });
});
