import type {
  CodedError,
  Delivery,
  SubscriptionRequest,
  Transport,
  TransportSubscription,
} from "@postrider/core";

/** One subscription, and all that came through it. */
export interface Watched {
  readonly subscription: TransportSubscription;
  readonly deliveries: Delivery[];
  readonly faults: CodedError[];
}

type Request = Partial<Omit<SubscriptionRequest, "channels" | "onFault">> & {
  readonly channels?: readonly string[];
  /** Default: acknowledge. */
  readonly receive?: ((delivery: Delivery) => void) | undefined;
};

export async function subscribe(transport: Transport, request: Request): Promise<Watched> {
  const {
    channels = [],
    receive = (delivery: Delivery) => void delivery.settle({ kind: "ack" }),
    ...rest
  } = request;
  const deliveries: Delivery[] = [];
  const faults: CodedError[] = [];
  const subscription = await transport.consumer.subscribe(
    {
      group: "group",
      ordering: "none",
      members: "share",
      startAt: "new",
      maxInFlight: 100,
      ...rest,
      channels: channels.map((channel) => ({ channel, types: "all" as const })),
      onFault: (error) => void faults.push(error),
    },
    (delivery) => {
      deliveries.push(delivery);
      receive(delivery);
    },
  );
  return { subscription, deliveries, faults };
}

export const idOf = (delivery: Delivery): string => delivery.message.attributes["id"] ?? "";
