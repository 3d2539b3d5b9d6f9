import type { Delivery } from "../../contracts/subscription.ts";
import { decode, type Decoded } from "../../envelope/decode.ts";
import { soundError } from "../../failure/sound-error.ts";
import { askerOf } from "../../request/address.ts";
import type { ResolvedConsumer, Route } from "../definition.ts";
import type { Work } from "../work.ts";

/** What a delivery turns out to be, before any handler is asked. */
export type Received =
  | { readonly kind: "work"; readonly work: Work }
  | { readonly kind: "ignored" }
  | { readonly kind: "unhandled"; readonly type: string }
  | { readonly kind: "bad"; readonly error: Error };

/** Decodes deliveries and finds their handler. Pure: what becomes of them is settled elsewhere. */
export function createReceive(consumer: ResolvedConsumer): (delivery: Delivery) => Received {
  const lifts = liftsOf(consumer.routes);
  return (delivery) => {
    let decoded: Decoded;
    try {
      decoded = decode(delivery.message, consumer.foreign);
    } catch (thrown) {
      return { kind: "bad", error: soundError(thrown) };
    }
    const { type } = decoded.message;
    const direct = consumer.routes.get(type);
    const route = direct ?? lifts.get(type);
    if (route === undefined) return { kind: "unhandled", type };
    if (route.mode === "ignore") return { kind: "ignored" };
    return { kind: "work", work: workOf(delivery, decoded, route, direct === undefined ? type : undefined) };
  };
}

/** Older types, by the route of the definition that lifts them. A type with a handler of its own is not lifted. */
function liftsOf(routes: ReadonlyMap<string, Route>): ReadonlyMap<string, Route> {
  return new Map(
    [...routes.values()].flatMap((route) =>
      route.parts.upcasts.map((upcast) => [upcast.from, route] as const),
    ),
  );
}

function workOf(
  delivery: Delivery,
  decoded: Decoded,
  route: Work["route"],
  liftedFrom: string | undefined,
): Work {
  const { message } = decoded;
  return {
    delivery,
    route,
    liftedFrom,
    facts: {
      id: message.id,
      source: message.source,
      type: message.type,
      subject: message.subject,
      key: decoded.key ?? delivery.message.key,
      messageId: `${message.source}#${message.id}`,
      correlationId: message.correlationid,
      tenant: decoded.tenant,
      asker: route.parts.kind === "event" ? undefined : askerOf(decoded.extensions),
    },
    decoded,
    attempt: delivery.attempt,
    firstFailedAt: undefined,
  };
}
