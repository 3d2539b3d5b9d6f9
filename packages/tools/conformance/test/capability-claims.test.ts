import { memory } from "@postrider/core";
import type { Capabilities, CapabilityName, MemoryTransport, Transport } from "@postrider/core";
import { expect, test } from "vitest";
import { collectCases, runCases, transportSuite } from "../src/index.ts";
import type { TransportHarness } from "../src/index.ts";
import { memoryTransportHarness } from "./support/memory-harness.ts";

/** Claims that are wrong for the memory transport, and the case that finds out; undefined where none can. */
const wrongClaims: Readonly<Record<CapabilityName, readonly [claim: unknown, foundBy: string | undefined]>> =
  {
    orderingScope: [
      "process",
      "a second member of an ordered group is refused where order holds in one process only",
    ],
    nativeDelay: [false, undefined],
    nativeDeadLetter: [true, undefined],
    deliveryCount: [false, "21. a crash between hand-over and settle delivers again, flagged as redelivered"],
    leaseExtension: [true, undefined],
    nativeDedupeWindowMs: [
      60_000,
      "a second message of the same id is dropped inside the deduplication window",
    ],
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
const provable = names.filter((name) => wrongClaims[name][1] !== undefined);
const unprovable = names.filter((name) => wrongClaims[name][1] === undefined);

/** The memory transport, and a harness for it, that claim something else of one capability. */
function claiming(name: CapabilityName): TransportHarness {
  const [claimed] = wrongClaims[name];
  const capabilities = Object.freeze({ ...memory().capabilities, [name]: claimed }) as Capabilities;
  const { crash: _crash, cutConnection: _cutConnection, create, ...rest } = memoryTransportHarness();
  const inners = new WeakMap<Transport, MemoryTransport>();
  return {
    ...rest,
    capabilities,
    create: async () => {
      const inner = await create();
      const liar: Transport = { ...inner, capabilities };
      inners.set(liar, inner);
      return liar;
    },
    crash: async (transport) => inners.get(transport)?.crash(),
  };
}

test.each(provable)("154. a wrong claim about %s turns its case red", async (name) => {
  const [, foundBy] = wrongClaims[name];
  const options = { timeoutMs: 3_000, load: 0.02 };
  const all = collectCases((runner) => transportSuite(runner, claiming(name), options));
  const results = await runCases({ ...all, cases: all.cases.filter((one) => one.title === foundBy) });
  expect(results[0]).toMatchObject({ title: foundBy, passed: false });
});

test.each(unprovable)("154. a wrong claim about %s is reported as one that cannot be found out", (name) => {
  const reported: string[] = [];
  collectCases((runner) => {
    reported.push(...transportSuite(runner, claiming(name)).notApplicable.map((one) => one.title));
  });
  expect(reported).toContain(
    name === "leaseExtension"
      ? "27. a delivery held for longer than its lease is not delivered to another"
      : `capability ${name}`,
  );
});
