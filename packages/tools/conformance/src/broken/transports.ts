import type { Transport } from "@postrider/core";
import type { TransportHarness } from "../harness.ts";
import { closeFaults } from "./closing.ts";
import { connectFaults } from "./connecting.ts";
import { groupFaults } from "./grouping.ts";
import { messageFaults } from "./messages.ts";
import type { BrokenTransport } from "./over.ts";
import { publishFaults } from "./publishing.ts";
import { settleFaults } from "./settling.ts";
import { subscribeFaults } from "./subscribing.ts";

/**
 * Faults that any transport can be given, to see that the suite notices them through a harness. Each turns cases red.
 */
export const brokenTransports: readonly BrokenTransport[] = Object.freeze([
  ...closeFaults,
  ...connectFaults,
  ...publishFaults,
  ...messageFaults,
  ...subscribeFaults,
  ...groupFaults,
  ...settleFaults,
]);

/** The harness with a fault in every transport it creates. Hooks that take a transport get the one without. */
export function withTransportFault<T extends Transport>(
  harness: TransportHarness<T>,
  broken: BrokenTransport,
): TransportHarness {
  const inners = new WeakMap<Transport, T>();
  const breakOne = async (creating: Promise<T>): Promise<Transport> => {
    const inner = await creating;
    const faulty = broken.breaks(inner);
    inners.set(faulty, inner);
    return faulty;
  };
  const onInner = async (transport: Transport, act: (inner: T) => Promise<void>): Promise<void> => {
    const inner = inners.get(transport);
    if (inner !== undefined) await act(inner);
  };
  const { crash, cutConnection, createElsewhere, createUnreachable, ...rest } = harness;
  return {
    ...rest,
    name: `${harness.name}, which ${broken.fault}`,
    create: () => breakOne(harness.create()),
    ...(createElsewhere && { createElsewhere: async () => broken.breaks(await createElsewhere()) }),
    ...(createUnreachable && { createUnreachable: async () => broken.breaks(await createUnreachable()) }),
    ...(crash && { crash: (transport) => onInner(transport, (inner) => crash.call(harness, inner)) }),
    ...(cutConnection && {
      cutConnection: (transport) => onInner(transport, (inner) => cutConnection.call(harness, inner)),
    }),
  };
}
