import { setTimeout as delay } from "node:timers/promises";
import { problemsOf, type CheckBounds } from "./check.ts";
import { startLoad, usualLoad, type Load, type LoadOptions } from "./load.ts";
import { until } from "./until.ts";
import type { BrokerUnderFault, FaultName, Faults } from "./port.ts";

/** One way to break a broker under load. */
export interface FaultCase {
  readonly title: string;
  /** Resolves with what did not hold; empty is what it should be. */
  run(broker: BrokerUnderFault): Promise<readonly string[]>;
}

/** A fault with everything it needs. */
type Ready = Required<{ [K in keyof Faults]: NonNullable<Faults[K]> }>;

interface Plan<N extends FaultName> {
  readonly title: string;
  readonly needs: readonly N[];
  readonly load?: Partial<LoadOptions> | undefined;
  readonly during: (load: Load, faults: Faults & Pick<Ready, N>) => Promise<void>;
}

const bounds: Omit<CheckBounds, "deadlineMs"> = {
  settleSlackMs: 4_000,
  ackSlackMs: 1_000,
  maxGrowthBytes: 128 * 1024 * 1024,
};

/** The cases for brokers that can be broken in these ways. */
export function faultCases(known: readonly FaultName[]): readonly FaultCase[] {
  return plans.filter(({ needs }) => needs.every((name) => known.includes(name)));
}

function plan<N extends FaultName>({
  title,
  needs,
  load: own,
  during,
}: Plan<N>): FaultCase & {
  readonly needs: readonly FaultName[];
} {
  return {
    title,
    needs,
    run: async ({ transport, faults }) => {
      const options = { ...usualLoad, ...own };
      assertKnows(faults, needs);
      const load = await startLoad(transport, options);
      await load.flows();
      try {
        await during(load, faults);
        await load.flows();
      } catch (error) {
        // Ended all the same: what else the history shows says more than the wait that was in vain.
        const history = await load.end();
        return [String(error), ...problemsOf(history, { ...bounds, deadlineMs: options.deadlineMs })];
      }
      const history = await load.end();
      return problemsOf(history, { ...bounds, deadlineMs: options.deadlineMs });
    },
  };
}

function assertKnows<N extends FaultName>(
  faults: Faults,
  needs: readonly N[],
): asserts faults is Faults & Pick<Ready, N> {
  const absent = needs.filter((name) => faults[name] === undefined);
  if (absent.length > 0) throw new Error(`the broker does not know: ${absent.join(", ")}`);
}

const plans = [
  plan({
    title: "the server is killed and started again",
    needs: ["kill", "start"],
    during: (load, { kill, start }) =>
      load.outage(async () => {
        await kill();
        await start();
      }),
  }),
  plan({
    title: "the server freezes for less than a silent peer is waited for",
    needs: ["freeze", "thaw"],
    during: (load, { freeze, thaw, silenceLimitMs }) =>
      load.outage(async () => {
        await freeze();
        await delay(silenceLimitMs / 3);
        await thaw();
      }),
  }),
  plan({
    title: "the server freezes for longer than a silent peer is waited for",
    needs: ["freeze", "thaw"],
    during: (load, { freeze, thaw, silenceLimitMs }) =>
      load.outage(async () => {
        await freeze();
        await delay(silenceLimitMs * 2);
        await thaw();
      }),
  }),
  plan({
    title: "the server closes the connections",
    needs: ["closeConnections"],
    during: (load, { closeConnections }) => load.outage(closeConnections),
  }),
  plan({
    title: "connections break three times in a row",
    needs: ["cut"],
    during: async (load, { cut }) => {
      for (let round = 0; round < 3; round += 1) await load.outage(async () => cut());
    },
  }),
  plan({
    title: "replies are lost, and then the connections break",
    needs: ["cut", "loseReplies"],
    during: (load, { cut, loseReplies }) =>
      load.outage(async () => {
        const before = load.published();
        loseReplies();
        await until("a hundred more were published", () => load.published() > before + 100);
        cut();
      }),
  }),
  plan({
    title: "replies come later than the publishers wait",
    needs: ["holdReplies", "releaseReplies"],
    load: { deadlineMs: 1_000 },
    during: (load, { holdReplies, releaseReplies }) =>
      load.outage(async () => {
        holdReplies();
        await delay(1_800);
        releaseReplies();
      }),
  }),
  plan({
    title: "the server freezes while far more is published than may be under way",
    needs: ["freeze", "thaw"],
    load: { whenFull: "reject" },
    during: (load, { freeze, thaw }) =>
      load.outage(async () => {
        await freeze();
        // 384 MiB of events, three times the memory that may be taken.
        await load.burst(6_000, 64 * 1024);
        await thaw();
      }),
  }),
  plan({
    title: "the server runs short of memory for a while",
    needs: ["raiseAlarm", "clearAlarm"],
    during: (load, { raiseAlarm, clearAlarm }) =>
      load.outage(async () => {
        await raiseAlarm();
        await delay(1_000);
        await clearAlarm();
      }),
  }),
  plan({
    title: "the queue of a group is deleted",
    needs: ["deleteQueue"],
    during: (load, { deleteQueue }) =>
      load.outage(() => deleteQueue(load.groups.unordered), [load.groups.unordered]),
  }),
  plan({
    title: "what is published to is deleted, with all that is in it",
    needs: ["deleteChannel"],
    during: (load, { deleteChannel }) =>
      load.outage(() => deleteChannel(load.channel), [load.groups.ordered, load.groups.unordered]),
  }),
  plan({
    title: "a handler blocks the event loop for longer than a silent peer is waited for",
    needs: ["cut"],
    during: (load, { silenceLimitMs }) =>
      load.outage(() => load.inHandler(() => block(silenceLimitMs * 1.5))),
  }),
];

/** Nothing else in the process runs meanwhile. */
function block(forMs: number): void {
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs);
}
