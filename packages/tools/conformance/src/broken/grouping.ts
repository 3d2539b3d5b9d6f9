import type { Transport, TransportSubscription } from "@postrider/core";
import { randomUUID } from "node:crypto";
import { over, overSubscription } from "./over.ts";
import type { BrokenTransport } from "./over.ts";

export const groupFaults: readonly BrokenTransport[] = [
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
        subscribe: (request, receive) =>
          inner.consumer.subscribe({ ...request, startAt: "beginning" }, receive),
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
          inner.consumer.subscribe(
            { ...request, group: `mixed-${request.channels[0]?.channel ?? ""}` },
            receive,
          ),
      }),
  },
];

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
