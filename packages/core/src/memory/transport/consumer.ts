import { AsyncResource } from "node:async_hooks";
import type {
  Delivery,
  SubscriptionRequest,
  TransportConsumer,
  TransportSubscription,
} from "../../contracts/subscription.ts";
import { MessagingError, OptionsError } from "../../errors.ts";
import type { MissingChannel } from "../broker/channels.ts";
import type { JoinRequest } from "../broker/groups.ts";
import { loseLeases, type Member } from "../broker/member.ts";
import type { BrokerServer } from "../broker/server.ts";
import type { Connection } from "./connection.ts";
import { closedError, toTransportError, unavailableError } from "./errors.ts";
import { createDelivery } from "./settlement.ts";
import { problemsOfBound, subscriptionKey, toJoinRequest } from "./topology.ts";

export interface MemoryConsumer extends TransportConsumer {
  /** The connection is gone: what is unsettled returns to the broker, and every subscription is told. */
  down(): void;
  /** The connection is back: every subscription goes on. */
  up(): void;
  /** The process is dead: its members leave their groups. */
  dead(): void;
  /** Closes every subscription. */
  drain(): Promise<void>;
}

type Receive = (delivery: Delivery) => void;

interface Open {
  readonly request: SubscriptionRequest;
  readonly member: Member;
  readonly bound: Promise<TransportSubscription>;
}

export function createConsumer(
  server: BrokerServer,
  connection: Connection,
  missingChannel: MissingChannel,
): MemoryConsumer {
  // Those being bound count too: a second one is refused, and closing waits for them.
  const open = new Map<string, Open>();

  const subscribe = async (
    request: SubscriptionRequest,
    receive: Receive,
  ): Promise<TransportSubscription> => {
    if (!connection.accepting()) throw closedError("subscribe");
    if (!connection.ready()) throw unavailableError();
    const join = toJoinRequest(request, missingChannel);
    const key = subscriptionKey(request);
    if (open.has(key)) throw alreadySubscribed(request.group);
    // As from a socket: a delivery runs in the context of who subscribed. In that of the publisher, which stores the
    // message in the same turn, it would inherit its span and its silenced tracing.
    const member = createMember(server, connection, request, AsyncResource.bind(receive));
    const bound = bind(member, join, () => open.delete(key));
    open.set(key, { request, member, bound });
    return bound;
  };

  const bind = async (
    member: Member,
    join: JoinRequest,
    forget: () => void,
  ): Promise<TransportSubscription> => {
    try {
      const leave = await server.request(() => server.join(join, member));
      return createSubscription(server, member, () => {
        leave();
        forget();
      });
    } catch (error) {
      forget();
      throw toTransportError(error);
    }
  };

  const drain = async (): Promise<void> => {
    const closing = [...open.values()].map(async ({ bound }) => {
      const subscription = await bound.catch(() => undefined);
      await subscription?.close();
    });
    await Promise.all(closing);
  };

  return {
    subscribe,
    down: () => {
      for (const { member } of open.values()) loseLeases(member, "outage", "counted");
      for (const { request } of open.values()) report(request.onFault, subscriptionLost(request.group));
    },
    up: () => {
      for (const { member } of open.values()) server.resume(member);
    },
    dead: () => {
      for (const { member } of open.values()) loseLeases(member, "outage", "counted");
      void drain();
    },
    drain,
  };
}

function createMember(
  server: BrokerServer,
  connection: Connection,
  request: SubscriptionRequest,
  receive: Receive,
): Member {
  return {
    leases: new Set(),
    outlets: new Set(),
    maxInFlight: request.maxInFlight,
    intake: "open",
    reachable: connection.ready,
    receive: (lease) => {
      try {
        receive(createDelivery(server, lease));
      } catch (error) {
        // The message stays with the receiver that failed to take it: it would fail the next time too.
        report(request.onFault, toTransportError(error));
      }
    },
  };
}

function createSubscription(server: BrokerServer, member: Member, leave: () => void): TransportSubscription {
  let closed: Promise<void> | undefined;
  const setIntake = (intake: Member["intake"]): void => {
    if (member.intake !== "stopped") member.intake = intake;
    server.resume(member);
  };
  return {
    pause: () => setIntake("paused"),
    resume: () => setIntake("open"),
    setMaxInFlight: (count) => {
      const problems = problemsOfBound(count);
      if (problems.length > 0) throw new OptionsError("setMaxInFlight", problems);
      member.maxInFlight = count;
      server.resume(member);
    },
    stop: () => {
      setIntake("stopped");
      return Promise.resolve();
    },
    close: () => {
      setIntake("stopped");
      closed ??= server.request(leave);
      return closed;
    },
  };
}

function report(onFault: SubscriptionRequest["onFault"], error: MessagingError): void {
  try {
    onFault(error);
  } catch {
    // Whoever is told of a fault must not add one.
  }
}

function subscriptionLost(group: string): MessagingError {
  return new MessagingError(
    "TRANSPORT_SUBSCRIPTION_LOST",
    `The connection of the subscription '${group}' is gone: it goes on when the broker is back`,
  );
}

function alreadySubscribed(group: string): MessagingError {
  return new MessagingError(
    "USAGE_ALREADY_SUBSCRIBED",
    `This transport consumes the group '${group}' already: close that subscription first`,
  );
}
