import type {
  CodedError,
  Delivery,
  SubscriptionRequest,
  Transport,
  TransportSubscription,
} from "@postrider/core";
import type { CaseScope } from "../case/bounded.ts";
import { claimEqual } from "../case/claim.ts";
import { idOf, idsOf } from "./message.ts";

/** One subscription as a case sees it: everything handed over, in order of arrival. */
export interface Intake {
  readonly subscription: TransportSubscription;
  /** All deliveries so far. */
  readonly all: readonly Delivery[];
  readonly faults: readonly CodedError[];
  /** The next `count` deliveries that no earlier call took. */
  take(count: number): Promise<readonly Delivery[]>;
  /** The next delivery. */
  next(): Promise<Delivery>;
  /** Takes deliveries until the message of this id is among them. Returns all taken, that one last. */
  takeUntil(id: string): Promise<readonly Delivery[]>;
}

/** What is done with a delivery as it arrives. Default: nothing, the case settles. */
export type OnArrival = (delivery: Delivery) => void | Promise<void>;

/** Acknowledges each delivery as it arrives. */
export const ack: OnArrival = (delivery) => delivery.settle({ kind: "ack" });

/** Asks for another attempt, as core does: `attempt` is the one that has just failed. */
export const retry = (delivery: Delivery, delayMs: number): Promise<void> =>
  delivery.settle({ kind: "retry", delayMs, attempt: delivery.attempt });

export type IntakeRequest = Partial<Omit<SubscriptionRequest, "channels" | "onFault">> & {
  readonly channels: readonly string[];
  readonly onArrival?: OnArrival | undefined;
};

/** Subscribes with the usual defaults and writes down what arrives. The subscription closes with the case. */
export async function openIntake(
  scope: CaseScope,
  transport: Transport,
  request: IntakeRequest,
): Promise<Intake> {
  const all: Delivery[] = [];
  const faults: CodedError[] = [];
  const failures: unknown[] = [];
  const { channels, onArrival, ...rest } = request;
  const group = rest.group ?? "conformance";

  const receive = (delivery: Delivery): void => {
    all.push(delivery);
    if (onArrival === undefined) return;
    Promise.resolve(onArrival(delivery)).catch((error: unknown) => failures.push(error));
  };
  const subscription = await scope.wait(
    `group ${group} to be bound`,
    transport.consumer.subscribe(
      {
        ordering: "none",
        members: "share",
        startAt: "new",
        maxInFlight: 100,
        ...rest,
        group,
        channels: channels.map((channel) => ({ channel, types: "all" as const })),
        onFault: (error) => void faults.push(error),
      },
      receive,
    ),
  );
  scope.defer("closing a subscription", () => subscription.close());

  let taken = 0;
  const arrived = async (count: number, what: string): Promise<void> => {
    await scope.until(what, () => {
      if (failures.length > 0) throw failures[0];
      return all.length >= count;
    });
  };
  const take = async (count: number): Promise<readonly Delivery[]> => {
    const from = taken;
    taken += count;
    await arrived(from + count, `deliveries ${from + 1} to ${from + count} of group ${group}`);
    return all.slice(from, from + count);
  };
  const next = async (): Promise<Delivery> => {
    const [one] = await take(1);
    if (one === undefined) throw new Error("take(1) gave nothing");
    return one;
  };
  return {
    subscription,
    all,
    faults,
    take,
    next,
    takeUntil: async (id) => {
      const since: Delivery[] = [];
      for (;;) {
        const one = await scope.wait(`message ${id} in group ${group}`, next());
        since.push(one);
        if (idOf(one.message) === id) return since;
      }
    },
  };
}

/** Fails unless exactly these messages arrived, each once; `order` tells whether in this order. */
export function claimArrived(
  deliveries: readonly Delivery[],
  expectedIds: readonly string[],
  order: "in-order" | "any-order",
  what: string,
): void {
  const seen = idsOf(deliveries.map((one) => one.message));
  if (order === "in-order") claimEqual(seen, expectedIds, what);
  else claimEqual([...seen].sort(), [...expectedIds].sort(), what);
}
