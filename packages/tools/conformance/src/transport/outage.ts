import { claim, claimEqual } from "../case/claim.ts";
import type { TransportHarness } from "../harness.ts";
import { ack, claimArrived } from "./intake.ts";
import { idOf, idsOf, outgoing, outgoingRun } from "./message.ts";
import type { TransportCase, TransportScope } from "./scope.ts";

const lacksRestart = (harness: TransportHarness): string | undefined =>
  harness.stopBroker === undefined || harness.startBroker === undefined
    ? "the harness gives no stopBroker and startBroker"
    : undefined;

export const outageCases: readonly TransportCase[] = [
  {
    title: "52. after a cut the connection comes back, with its subscriptions, and nothing confirmed is lost",
    runs: "alone",
    lacks: (harness) =>
      harness.cutConnection === undefined ? "the harness gives no cutConnection" : undefined,
    patience: 3,
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, {
        group: scope.group(),
        channels: [channel],
        onArrival: ack,
      });
      const before = outgoingRun(channel, 5);
      await scope.confirm(transport, before);
      await intake.take(5);
      await scope.wait("the connection to be cut", Promise.resolve(scope.harness.cutConnection?.(transport)));
      await scope.until("the connection to come back", () => transport.state() === "ready");
      const after = outgoingRun(channel, 5);
      await scope.confirm(transport, after);
      const wanted = new Set([...idsOf(before), ...idsOf(after)]);
      await scope.until("all messages after the cut", () => {
        for (const one of intake.all) wanted.delete(idOf(one.message));
        return wanted.size === 0;
      });
    },
  },
  {
    title: "50. over a restart of the broker everything confirmed arrives, and the subscription goes on",
    lacks: lacksRestart,
    runs: "alone",
    patience: 6,
    body: async (scope) => {
      const channel = await scope.channel();
      const [publisher, consumer] = [await scope.connect(), await scope.connect()];
      const intake = await scope.subscribe(consumer, {
        group: scope.group(),
        channels: [channel],
        onArrival: ack,
      });
      const count = Math.max(60, Math.round(10_000 * scope.load));
      const confirmed: string[] = [];
      for (let sent = 0; sent < count; sent += 20) {
        const restarts = [Math.floor(count / 60) * 20, Math.floor(count / 40) * 20].includes(sent);
        if (restarts) await scope.wait("the broker to stop", stopBroker(scope));
        const batch = outgoingRun(channel, 20);
        const outcomes = scope.publish(publisher, batch);
        if (restarts) await scope.wait("the broker to start", startBroker(scope));
        for (const [index, outcome] of (await outcomes).entries()) {
          if (outcome.status === "confirmed") confirmed.push(...idsOf(batch.slice(index, index + 1)));
        }
      }
      const arrived = (): Set<string> => new Set(intake.all.map((one) => idOf(one.message)));
      await scope.until("everything confirmed to arrive", () => includesAll(arrived(), confirmed));
    },
  },
  {
    title: "while the broker is down a publish ends by its deadline, unconfirmed, as the broker's fault",
    lacks: lacksRestart,
    runs: "alone",
    patience: 3,
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      await scope.wait("the broker to stop", stopBroker(scope));
      scope.defer("starting the broker", () => startBroker(scope));
      const publish = transport.publisher.publish([outgoing(channel)], { deadlineMs: 300 });
      const [outcome] = await scope.wait("the outcome of a publish while the broker is down", publish);
      claim(outcome !== undefined && outcome.status !== "confirmed", "a stopped broker confirmed a message");
      claimEqual([outcome.scope, outcome.error.retryable], ["broker", true], "whose fault, and retryable");
      await scope.wait("the broker to start", startBroker(scope));
      await scope.until("the connection to come back", () => transport.state() === "ready");
      const intake = await scope.subscribe(transport, {
        group: scope.group(),
        channels: [channel],
        onArrival: ack,
      });
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(await intake.takeUntil(sentinel), [sentinel], "in-order", "after the outage");
    },
  },
];

async function stopBroker(scope: TransportScope): Promise<void> {
  claim(scope.harness.stopBroker, "stopBroker");
  await scope.harness.stopBroker();
}

async function startBroker(scope: TransportScope): Promise<void> {
  claim(scope.harness.startBroker, "startBroker");
  await scope.harness.startBroker();
}

function includesAll(seen: ReadonlySet<string>, wanted: readonly string[]): boolean {
  return wanted.every((one) => seen.has(one));
}
