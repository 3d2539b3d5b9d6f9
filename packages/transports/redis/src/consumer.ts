import { AsyncResource } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import {
  type Delivery,
  MessagingError,
  type SubscriptionRequest,
  type TransportConsumer,
  type TransportSubscription,
} from "@postrider/core";
import { createSubscription, type OpenSubscription, type SubscriptionParts } from "./streams/subscription.ts";
import type { Connection } from "./connection.ts";
import { closedError, unavailableError } from "./errors.ts";
import { planGroup, subscriptionKey } from "./topology.ts";

export interface RedisConsumer extends TransportConsumer {
  /** The connection for consuming is gone: what was fetched is no longer ours, and every subscription is told. */
  down(cause: unknown): void;
  /** It is back. */
  up(): void;
  /** Closes every subscription. */
  drain(): Promise<void>;
}

type Receive = (delivery: Delivery) => void;

export function createConsumer(
  connection: Connection,
  shared: Omit<SubscriptionParts, "request" | "plan" | "receive" | "forget">,
): RedisConsumer {
  // Those being bound count too: a second one is refused, and closing waits for them.
  const open = new Map<string, Promise<OpenSubscription>>();
  const bound = new Set<OpenSubscription>();
  // In the name of the group where members each get all.
  const member = randomUUID();

  const subscribe = async (
    request: SubscriptionRequest,
    receive: Receive,
  ): Promise<TransportSubscription> => {
    if (!connection.accepting()) throw closedError("subscribe");
    const plan = planGroup(request, shared.options, shared.names, member);
    const key = subscriptionKey(request);
    if (open.has(key)) throw alreadySubscribed(request.group);
    let own: OpenSubscription | undefined;
    const forget = (): void => {
      open.delete(key);
      if (own !== undefined) bound.delete(own);
    };
    // A delivery runs in the context of who subscribed, not in that of the handler that made room for it.
    const opening = bind({ ...shared, request, plan, receive: AsyncResource.bind(receive), forget });
    open.set(key, opening);
    try {
      own = await opening;
      if (open.has(key)) bound.add(own);
      return own.subscription;
    } catch (error) {
      open.delete(key);
      throw error;
    }
  };

  const bind = async (parts: SubscriptionParts): Promise<OpenSubscription> => {
    await connection.openConsuming();
    const client = connection.consuming.client();
    if (client === undefined) throw unavailableError();
    return createSubscription(parts, client);
  };

  return {
    subscribe,
    down: (cause) => {
      for (const one of bound) one.down(cause);
    },
    up: () => {
      for (const one of bound) one.up();
    },
    drain: async () => {
      const closing = [...open.values()].map(async (opening) => {
        const one = await opening.catch(() => undefined);
        await one?.subscription.close();
      });
      await Promise.all(closing);
    },
  };
}

function alreadySubscribed(group: string): MessagingError {
  return new MessagingError(
    "USAGE_ALREADY_SUBSCRIBED",
    `This transport consumes the group '${group}' already: close that subscription first`,
  );
}
