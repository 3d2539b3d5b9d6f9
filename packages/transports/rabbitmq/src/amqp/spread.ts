import { randomUUID } from "node:crypto";
import type { ChannelModel } from "amqplib";
import type { ResolvedOptions } from "../options.ts";
import type { HandOver } from "./hand-over.ts";
import type { Intake } from "./intake.ts";
import type { Link } from "./link.ts";
import { announceEveryMs, joinMembers } from "./members.ts";
import { ownersOf } from "./shares.ts";

/*
 * Each queue of an ordered group has one active consumer, the one that stands first in its line; the rest wait behind.
 * The first member to come would be first everywhere. So each member works out who should have which queue, and from
 * queues that are another's it steps back: to the end of the line. When all who are not the owner have done that, the
 * owner stands in front. Order is kept by the broker whatever the members believe: only one is active at a time, and a
 * member steps back only when nothing of that queue is in its hands. When a member dies the next in line goes on at once.
 */

/** Spreads the queues of an ordered group over its members. */
export interface Spread {
  close(): Promise<void>;
}

export interface SpreadParts {
  readonly intakes: readonly Intake[];
  readonly handOver: HandOver;
  readonly exchange: string;
  readonly consuming: Link;
  readonly publishing: Link;
  readonly options: ResolvedOptions;
  readonly onFault: (cause: unknown) => void;
}

/** Members that start together are counted once. */
const settleMs = 300;
/** A handler that takes longer keeps the queue with its member; it is asked again in the next round. */
const stepBackMs = 15_000;

export async function createSpread(parts: SpreadParts, model: ChannelModel): Promise<Spread> {
  const { intakes, handOver, options } = parts;
  const { clock } = options;
  const id = randomUUID();
  const steppingBack = new Map<Intake, Promise<void>>();
  const waits = new Set<() => void>();
  let owners: readonly string[] = intakes.map(() => id);
  let closed = false;
  let cancelLook = (): void => undefined;
  let lookAtMs = Infinity;

  const lookIn = (delayMs: number): void => {
    const dueMs = clock.monotonicMs() + delayMs;
    if (closed || dueMs >= lookAtMs) return;
    cancelLook();
    lookAtMs = dueMs;
    cancelLook = clock.schedule(delayMs, look);
  };
  const look = (): void => {
    lookAtMs = Infinity;
    const before = owners;
    owners = ownersOf(intakes.length, members.list());
    for (const [index, intake] of intakes.entries()) {
      if (owners[index] === id || steppingBack.has(intake)) continue;
      const isNew = owners[index] !== before[index];
      if (isNew || intake.tenure()?.active() === true) start(intake);
    }
    // Who missed a change, or is first in a line all the same, steps back in the next round.
    lookIn(announceEveryMs);
  };
  const start = (intake: Intake): void => {
    steppingBack.set(
      intake,
      stepBack(intake).finally(() => steppingBack.delete(intake)),
    );
  };
  const stepBack = async (intake: Intake): Promise<void> => {
    const tenure = intake.tenure();
    if (tenure === undefined) return;
    handOver.holdQueue(intake);
    try {
      if (await handOver.settledOf(tenure, afterMs(stepBackMs))) await intake.requeue();
    } finally {
      handOver.resumeQueue(intake);
    }
  };
  /** Ends early when the subscription closes. */
  const afterMs = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        cancel();
        waits.delete(end);
        resolve();
      };
      const cancel = clock.schedule(delayMs, end);
      waits.add(end);
    });

  const members = await joinMembers({ ...parts, id, changed: () => lookIn(settleMs) }, model);
  lookIn(settleMs);

  return {
    close: async () => {
      closed = true;
      cancelLook();
      await members.leave();
      for (const end of waits) end();
      await Promise.all(steppingBack.values());
    },
  };
}
