import type { Delivery, Transport, TransportSubscription } from "@postrider/core";
import { randomUUID } from "node:crypto";
import { over, overDelivery, overDeliveries, overSubscription } from "./over.ts";
import type { BrokenTransport } from "./over.ts";

type Receive = (delivery: Delivery) => void;

export const consumeFaults: readonly BrokenTransport[] = [
  {
    name: "never redelivers",
    fault: "hands each message over once and acknowledges it instead of giving it back",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => {
        if (delivery.redelivered) {
          void delivery.settle({ kind: "ack" });
          return undefined;
        }
        return overDelivery(delivery, {
          settle: (settlement) =>
            delivery.settle(settlement.kind === "dead-letter" ? settlement : { kind: "ack" }),
        });
      }),
  },
  {
    name: "acknowledges early",
    fault: "acknowledges each message as it hands it over",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => {
        void delivery.settle({ kind: "ack" });
        return overDelivery(delivery, { settle: async () => undefined });
      }),
  },
  {
    name: "forgets attempts",
    fault: "hands every delivery over as the first one",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => overDelivery(delivery, { attempt: 1, redelivered: false })),
  },
  {
    name: "counts what is given back",
    fault: "counts a release as an attempt",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) =>
        overDelivery(delivery, {
          settle: (settlement) =>
            delivery.settle(
              settlement.kind === "release" ? { kind: "retry", delayMs: 0, attempt: delivery.attempt } : settlement,
            ),
        }),
      ),
  },
  {
    name: "ignores delays",
    fault: "delivers a retry at once, whatever delay was asked for",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) =>
        overDelivery(delivery, {
          settle: (settlement) => delivery.settle(settlement.kind === "retry" ? { ...settlement, delayMs: 0 } : settlement),
        }),
      ),
  },
  {
    name: "settles over and over",
    fault: "takes every settlement after the first for a success",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => {
        let settled = false;
        return overDelivery(delivery, {
          settle: async (settlement) => {
            if (settled) return;
            await delivery.settle(settlement);
            settled = true;
          },
        });
      }),
  },
  {
    name: "refuses a second settle",
    fault: "fails when a delivery is settled again, also in the same way",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => {
        let settled = false;
        return overDelivery(delivery, {
          settle: async (settlement) => {
            if (settled) throw new Error("settled before");
            await delivery.settle(settlement);
            settled = true;
          },
        });
      }),
  },
  {
    name: "swallows dead letters",
    fault: "acknowledges a dead-lettered message without writing the letter",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) =>
        overDelivery(delivery, {
          settle: (settlement) => delivery.settle(settlement.kind === "dead-letter" ? { kind: "ack" } : settlement),
        }),
      ),
  },
  {
    name: "invents attributes",
    fault: "makes up a specversion where a message has no attributes",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => {
        const attributes = { specversion: "1.0", ...delivery.message.attributes };
        return overDelivery(delivery, { message: { ...delivery.message, attributes } });
      }),
  },
  {
    name: "trips over odd headers",
    fault: "hands nothing over whose headers hold more than printable ASCII",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => {
        const plain = Object.values(delivery.message.headers).every((value) => /^[ -~]*$/.test(value));
        return plain ? delivery : undefined;
      }),
  },
  {
    name: "hides where it came from",
    fault: "names no origin",
    breaks: (inner) => overDeliveries(inner, (delivery) => overDelivery(delivery, { origin: {} })),
  },
  {
    name: "never aborts",
    fault: "does not tell when a delivery is no longer ours",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => overDelivery(delivery, { signal: new AbortController().signal })),
  },
  {
    name: "ignores maxInFlight",
    fault: "hands over whatever is there",
    breaks: (inner) =>
      over(inner, {
        subscribe: async (request, receive) => {
          const subscription = await inner.consumer.subscribe({ ...request, maxInFlight: 1_000 }, receive);
          return overSubscription(subscription, { setMaxInFlight: () => undefined });
        },
      }),
  },
  {
    name: "ignores a lower bound",
    fault: "takes a higher maxInFlight while it runs, and no lower one",
    breaks: (inner) =>
      over(inner, {
        subscribe: async (request, receive) => {
          let most = request.maxInFlight;
          const subscription = await inner.consumer.subscribe(request, receive);
          return overSubscription(subscription, {
            setMaxInFlight: (count) => {
              most = Math.max(most, count);
              subscription.setMaxInFlight(most);
            },
          });
        },
      }),
  },
  {
    name: "ignores pause",
    fault: "goes on while it is paused",
    breaks: (inner) => overSubscriptions(inner, () => ({ pause: () => undefined, resume: () => undefined })),
  },
  {
    name: "ignores stop",
    fault: "goes on after stop",
    breaks: (inner) => overSubscriptions(inner, () => ({ stop: async () => undefined })),
  },
  {
    name: "takes back at stop",
    fault: "gives back at stop what is still being worked on",
    breaks: (inner) => overSubscriptions(inner, (subscription) => ({ stop: () => subscription.close() })),
  },
  {
    name: "subscribes twice",
    fault: "shares one subscription between two calls for the same group",
    breaks: subscribesTwice,
  },
  {
    name: "keeps groups to itself",
    fault: "makes a group of its own in every transport, which others do not see",
    breaks: (inner) => {
      const suffix = randomUUID();
      return over(inner, {
        subscribe: (request, receive) =>
          inner.consumer.subscribe({ ...request, group: `${request.group}-${suffix}` }, receive),
      });
    },
  },
  {
    name: "always from the beginning",
    fault: "starts every new group at the beginning",
    breaks: (inner) =>
      over(inner, {
        subscribe: (request, receive) => inner.consumer.subscribe({ ...request, startAt: "beginning" }, receive),
      }),
  },
  {
    name: "splits what all should get",
    fault: "shares messages between members that should each get all",
    breaks: (inner) =>
      over(inner, {
        subscribe: (request, receive) => inner.consumer.subscribe({ ...request, members: "share" }, receive),
      }),
  },
  {
    name: "gives each member all",
    fault: "gives every member of a group every message",
    breaks: (inner) =>
      over(inner, {
        subscribe: (request, receive) => inner.consumer.subscribe({ ...request, members: "each" }, receive),
      }),
  },
  {
    name: "mixes groups",
    fault: "takes all groups for one",
    breaks: (inner) =>
      over(inner, {
        subscribe: (request, receive) =>
          inner.consumer.subscribe({ ...request, group: `mixed-${request.channels[0]?.channel ?? ""}` }, receive),
      }),
  },
  {
    name: "drops order",
    fault: "subscribes without order when order is asked for",
    breaks: dropsOrder,
  },
  {
    name: "one lane for all keys",
    fault: "hands no message over while another is unsettled",
    breaks: (inner) =>
      over(inner, {
        subscribe: (request, receive) =>
          inner.consumer.subscribe(request.ordering === "key" ? { ...request, maxInFlight: 1 } : request, receive),
      }),
  },
];

function overSubscriptions(
  inner: Transport,
  faults: (subscription: TransportSubscription) => Partial<TransportSubscription>,
): Transport {
  return over(inner, {
    subscribe: async (request, receive) => {
      const subscription = await inner.consumer.subscribe(request, receive);
      return overSubscription(subscription, faults(subscription));
    },
  });
}

function subscribesTwice(inner: Transport): Transport {
  const open = new Map<string, TransportSubscription>();
  return over(inner, {
    subscribe: async (request, receive) => {
      const shared = open.get(request.group);
      if (shared !== undefined && request.of !== "dead-letters") return shared;
      const subscription = await inner.consumer.subscribe(request, receive);
      if (request.of === "dead-letters") return subscription;
      open.set(request.group, subscription);
      return overSubscription(subscription, {
        close: () => {
          open.delete(request.group);
          return subscription.close();
        },
      });
    },
    close: () => {
      open.clear();
      return inner.close();
    },
  });
}

/** Hands pairs of neighbours over the wrong way round, where order by key was asked for. */
function dropsOrder(inner: Transport): Transport {
  return over(inner, {
    subscribe: (request, receive) => {
      if (request.ordering === "none") return inner.consumer.subscribe(request, receive);
      return inner.consumer.subscribe({ ...request, ordering: "none" }, swapNeighbours(receive));
    },
  });
}

function swapNeighbours(receive: Receive): Receive {
  let kept: Delivery | undefined;
  return (delivery) => {
    if (kept === undefined) {
      kept = delivery;
      // Alone it is not held back for ever.
      setTimeout(() => {
        if (kept !== delivery) return;
        kept = undefined;
        receive(delivery);
      }, 20);
      return;
    }
    const first = kept;
    kept = undefined;
    receive(delivery);
    receive(first);
  };
}
