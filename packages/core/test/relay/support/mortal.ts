import type { MemoryStore, RelayStore, Transport, TransportPublisher } from "@postrider/core";
import type { Place } from "../../support/services.ts";
import { refusing } from "./relays.ts";

/** The steps of a relay that leave a trace somewhere, in the order of its turn. */
export const steps = [
  "acquire",
  "heldKeys",
  "due",
  "read",
  "publish",
  "publishRun",
  "confirm",
  "park",
  "settleParked",
] as const;
export type Step = (typeof steps)[number];
/** `before`: the step is not done. `after`: it is done, and nobody is told. */
export type Point = `${"before" | "after"} ${Step}`;

type Calls = { readonly [S in Step]: (...given: never[]) => Promise<unknown> };

/**
 * The world as a relay sees it whose process dies at a point, at its `nth` time: that call and all that follow never
 * return, and nothing follows from them.
 */
export function mortal(
  here: Place,
  store: MemoryStore,
  point: Point,
  nth: number,
  refusalOf: Parameters<typeof refusing>[1] = () => undefined,
): { readonly store: MemoryStore; readonly transport: Transport; readonly died: () => boolean } {
  const [when, deadly] = point.split(" ");
  let dead = false;
  let times = 0;
  const never = new Promise<never>(() => undefined);

  const guarded =
    <G extends never[], R>(step: Step, call: (...given: G) => Promise<R>) =>
    async (...given: G): Promise<R> => {
      if (dead) return never;
      const mine = step === deadly && (times += 1) === nth;
      if (mine && when === "before") {
        dead = true;
        return never;
      }
      const result = await call(...given);
      if (mine) dead = true;
      return dead ? never : result;
    };
  const guard = <T extends object>(target: T): T =>
    Object.fromEntries(
      Object.entries(target).map(([name, value]) => [
        name,
        (steps as readonly string[]).includes(name) ? guarded(name as Step, value as Calls[Step]) : value,
      ]),
    ) as T;

  const relay: RelayStore = {
    ...guard(store.relay),
    renew: async (lease, leaseMs) => (dead ? never : store.relay.renew(lease, leaseMs)),
    release: async (lease) => (dead ? never : store.relay.release(lease)),
  };
  const real = refusing(here, refusalOf);
  const publisher: TransportPublisher = guard(real.publisher);
  return { store: { ...store, relay }, transport: { ...real, publisher }, died: () => dead };
}
