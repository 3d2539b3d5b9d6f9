import type { Capabilities, CapabilityName } from "@postrider/core";
import { claim, claimEqual } from "../case/claim.ts";
import { retry } from "./intake.ts";
import { idOf, outgoing, outgoingRun } from "./message.ts";
import type { TransportCase } from "./scope.ts";

/** Claims that a transport alone has nothing to show for or against, with the reason. */
export function notProvable(claimed: Capabilities): Readonly<Partial<Record<CapabilityName, string>>> {
  return {
    nativeDeadLetter: "the contract has no call that leaves dead-lettering to the broker",
    wildcards: "the contract names no syntax of patterns",
    requestReply: 'requests stand in core, on `members: "each"`, which has a case of its own',
    orderedPipelining: "it is a matter of speed; the prefix that publishRun confirms is proved either way",
    ...(claimed.orderingScope === "none" && {
      orderingScope: "order that is not promised may hold all the same",
    }),
    ...(!claimed.nativeDelay && {
      nativeDelay: "a delay kept in the process looks the same while the process lives",
    }),
    ...(!claimed.leaseExtension && {
      leaseExtension: "where nothing is extended there may be no lease at all",
    }),
    ...(claimed.maxMessageBytes === 0 && { maxMessageBytes: "only the broker knows its limit" }),
  };
}

const kindOf: Readonly<Record<keyof Capabilities, "string" | "boolean" | "number">> = {
  transport: "string",
  orderingScope: "string",
  nativeDelay: "boolean",
  nativeDeadLetter: "boolean",
  deliveryCount: "boolean",
  leaseExtension: "boolean",
  nativeDedupeWindowMs: "number",
  wildcards: "boolean",
  fanOut: "boolean",
  replay: "boolean",
  maxMessageBytes: "number",
  orderedPipelining: "boolean",
  requestReply: "boolean",
};

export const capabilityCases: readonly TransportCase[] = [
  {
    title: "the capabilities are frozen, complete and the same object at each look, before connect and after",
    body: async (scope) => {
      const transport = await scope.create();
      const before = transport.capabilities;
      claimEqual(Object.isFrozen(before), true, "capabilities frozen before connect");
      claimEqual(transport.capabilities === before, true, "the same object at each look before connect");
      claimEqual({ ...before }, { ...scope.capabilities }, "static capabilities and those of the harness");
      await scope.wait("connect", transport.connect());
      const after = transport.capabilities;
      claimEqual(Object.isFrozen(after), true, "capabilities frozen after connect");
      claimEqual(transport.capabilities === after, true, "the same object at each look after connect");
      for (const [name, kind] of Object.entries(kindOf)) {
        claimEqual(typeof after[name as keyof Capabilities], kind, `type of the capability ${name}`);
      }
      claimEqual(after.transport, transport.kind, "capabilities.transport and kind");
      claim(
        ["none", "process", "group"].includes(after.orderingScope),
        "orderingScope is none of its three values",
      );
    },
  },
  {
    title: "what is detected on connect takes nothing back from the static capabilities",
    body: async (scope) => {
      const transport = await scope.connect();
      for (const [name, promised] of Object.entries(scope.capabilities)) {
        if (promised === true)
          claimEqual(transport.capabilities[name as CapabilityName], true, `capability ${name}`);
      }
    },
  },
  {
    title: "73. a retry with a delay is kept by the broker: it outlives its consumer and lets others pass",
    runs: "alone",
    lacks: (harness) =>
      harness.capabilities.nativeDelay
        ? undefined
        : "delays are not kept by the broker (nativeDelay is false)",
    body: async (scope) => {
      const channel = await scope.channel();
      const group = scope.group();
      const first = await scope.connect();
      const intake = await scope.subscribe(first, { group, channels: [channel] });
      const delayed = outgoing(channel);
      await scope.confirm(first, [delayed]);
      await scope.wait("retry", retry(await intake.next(), 400));
      const others = outgoingRun(channel, 3);
      await scope.confirm(first, others);
      const passed = await intake.take(3);
      claim(
        !passed.some((one) => idOf(one.message) === idOf(delayed)),
        "a delayed message came before those after it",
      );
      for (const one of passed) await scope.wait("ack", one.settle({ kind: "ack" }));
      await scope.end(first);
      const fresh = await scope.subscribe(await scope.connect(), { group, channels: [channel] });
      // Where the broker confirms no acknowledgement, what was acknowledged last may come once more.
      const again = (await fresh.takeUntil(idOf(delayed))).at(-1);
      claimEqual(again?.attempt, 2, "attempt of the delayed message at another consumer");
    },
  },
];
