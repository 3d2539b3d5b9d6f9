import type { Delivery, Transport, TransportSubscription } from "@postrider/core";
import { over, overDelivery, overDeliveries, overSubscription } from "./over.ts";
import type { BrokenTransport } from "./over.ts";

type Receive = (delivery: Delivery) => void;

export const subscribeFaults: readonly BrokenTransport[] = [
  {
    name: "forgets attempts",
    fault: "hands every delivery over as the first one",
    breaks: (inner) =>
      overDeliveries(inner, (delivery) => overDelivery(delivery, { attempt: 1, redelivered: false })),
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
          inner.consumer.subscribe(
            request.ordering === "key" ? { ...request, maxInFlight: 1 } : request,
            receive,
          ),
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
