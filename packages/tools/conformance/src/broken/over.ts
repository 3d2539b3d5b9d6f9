import type {
  Delivery,
  OutgoingMessage,
  PublishBounds,
  PublishOutcome,
  SubscriptionRequest,
  Transport,
  TransportSubscription,
} from "@postrider/core";

/** A transport with one fault, which shows the suite at work. */
export interface BrokenTransport {
  /** What it is called in the tests of the suites. */
  readonly name: string;
  /** What it does wrong, in a sentence. */
  readonly fault: string;
  /** The same transport with the fault. The one given is not changed. */
  readonly breaks: (inner: Transport) => Transport;
}

/** The calls that a fault may stand in the way of. */
export interface Faults {
  readonly publish?:
    | ((batch: readonly OutgoingMessage[], bounds: PublishBounds) => Promise<readonly PublishOutcome[]>)
    | undefined;
  readonly publishRun?:
    | ((run: readonly OutgoingMessage[], bounds: PublishBounds) => Promise<readonly PublishOutcome[]>)
    | undefined;
  readonly subscribe?:
    | ((
        request: SubscriptionRequest,
        receive: (delivery: Delivery) => void,
      ) => Promise<TransportSubscription>)
    | undefined;
  readonly connect?: Transport["connect"] | undefined;
  readonly close?: Transport["close"] | undefined;
  readonly onState?: Transport["onState"] | undefined;
  readonly capabilities?: (() => Transport["capabilities"]) | undefined;
}

/** `inner`, with some of its calls replaced. */
export function over(inner: Transport, faults: Faults): Transport {
  return {
    kind: inner.kind,
    get capabilities() {
      return faults.capabilities?.() ?? inner.capabilities;
    },
    publisher: {
      publish: faults.publish ?? ((batch, bounds) => inner.publisher.publish(batch, bounds)),
      publishRun: faults.publishRun ?? ((run, bounds) => inner.publisher.publishRun(run, bounds)),
    },
    consumer: {
      subscribe: faults.subscribe ?? ((request, receive) => inner.consumer.subscribe(request, receive)),
    },
    connect: faults.connect ?? ((options) => inner.connect(options)),
    close: faults.close ?? (() => inner.close()),
    state: () => inner.state(),
    onState: faults.onState ?? ((listener) => inner.onState(listener)),
  };
}

/** `inner`, with each delivery changed before it is handed over; `undefined` keeps it back. */
export function overDeliveries(
  inner: Transport,
  change: (delivery: Delivery, request: SubscriptionRequest) => Delivery | undefined,
): Transport {
  return over(inner, {
    subscribe: (request, receive) =>
      inner.consumer.subscribe(request, (delivery) => {
        const changed = change(delivery, request);
        if (changed !== undefined) receive(changed);
      }),
  });
}

/** `inner`, with each batch changed before it is sent. */
export function overMessages(
  inner: Transport,
  change: (message: OutgoingMessage) => OutgoingMessage,
): Transport {
  return over(inner, {
    publish: (batch, bounds) => inner.publisher.publish(batch.map(change), bounds),
    publishRun: (run, bounds) => inner.publisher.publishRun(run.map(change), bounds),
  });
}

/** The subscription with some of its calls replaced. */
export function overSubscription(
  inner: TransportSubscription,
  faults: Partial<TransportSubscription>,
): TransportSubscription {
  return {
    pause: faults.pause ?? (() => inner.pause()),
    resume: faults.resume ?? (() => inner.resume()),
    setMaxInFlight: faults.setMaxInFlight ?? ((count) => inner.setMaxInFlight(count)),
    stop: faults.stop ?? (() => inner.stop()),
    close: faults.close ?? (() => inner.close()),
  };
}

export function overDelivery(inner: Delivery, parts: Partial<Delivery>): Delivery {
  return {
    message: parts.message ?? inner.message,
    attempt: parts.attempt ?? inner.attempt,
    redelivered: parts.redelivered ?? inner.redelivered,
    origin: parts.origin ?? inner.origin,
    signal: parts.signal ?? inner.signal,
    settle: parts.settle ?? ((settlement) => inner.settle(settlement)),
  };
}
