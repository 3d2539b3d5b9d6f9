import type { ConnectionState } from "@postrider/core";
import { getEventListeners } from "node:events";
import { claim, claimEqual, claimRejects } from "../case/claim.ts";
import type { TransportHarness } from "../harness.ts";
import { ack, claimArrived } from "./intake.ts";
import { idOf, idsOf, outgoing, outgoingRun } from "./message.ts";
import type { TransportCase, TransportScope } from "./scope.ts";

const lacksHook =
  (hook: "createUnreachable" | "createRefused" | "cutConnection") =>
  (harness: TransportHarness): string | undefined =>
    harness[hook] === undefined ? `the harness gives no ${hook}` : undefined;

const lacksRestart = (harness: TransportHarness): string | undefined =>
  harness.stopBroker === undefined || harness.startBroker === undefined
    ? "the harness gives no stopBroker and startBroker"
    : undefined;

export const connectionCases: readonly TransportCase[] = [
  {
    title: "connect twice is one connection",
    body: async (scope) => {
      const transport = await scope.create();
      let becameReady = 0;
      scope.defer("a state listener", async () => stop());
      const stop = transport.onState((state) => void (becameReady += state === "ready" ? 1 : 0));
      await scope.wait("two connects at once", Promise.all([transport.connect(), transport.connect()]));
      await scope.wait("a third connect", transport.connect());
      claimEqual(becameReady, 1, "times the state became ready");
      await scope.close(transport);
      claimEqual(transport.state(), "closed", "one close closes it: state");
    },
  },
  {
    title: "45. the state tells each change, and a listener that throws changes nothing",
    body: async (scope) => {
      const transport = await scope.create();
      const seen: ConnectionState[] = [];
      transport.onState(() => {
        throw new Error("a listener that throws");
      });
      const stop = transport.onState((state) => void seen.push(state));
      claim(transport.state() !== "ready", "a transport that was never connected must not be ready");
      await scope.wait("connect", transport.connect());
      claimEqual([transport.state(), seen.at(-1)], ["ready", "ready"], "state after connect");
      await scope.close(transport);
      claimEqual([transport.state(), seen.at(-1)], ["closed", "closed"], "state after close");
      const toldMost = seen.length;
      stop();
      await scope.wait("connect again", transport.connect());
      claimEqual(seen.length, toldMost, "changes told after the listener was taken away");
    },
  },
  {
    title: "57. connect with an aborted signal rejects and opens nothing",
    body: async (scope) => {
      const transport = await scope.create();
      const outcome = await scope.wait(
        "connect with an aborted signal",
        transport.connect({ signal: AbortSignal.abort() }).then(
          () => "resolved",
          () => "rejected",
        ),
      );
      claimEqual(outcome, "rejected", "connect with an aborted signal");
      claim(transport.state() !== "ready", "connect was aborted, and yet the state is ready");
      const { signal } = new AbortController();
      await scope.wait("connect after an aborted one", transport.connect({ signal }));
      claimEqual(getEventListeners(signal, "abort").length, 0, "listeners left on the signal of connect");
    },
  },
  {
    title: "54. connect to an unreachable broker fails with TRANSPORT_UNAVAILABLE in time",
    lacks: lacksHook("createUnreachable"),
    body: async (scope) => {
      claim(scope.harness.createUnreachable, "createUnreachable");
      const transport = await scope.harness.createUnreachable();
      scope.defer("closing an unreachable transport", () => transport.close());
      const refusal = claimRejects(transport.connect(), ["TRANSPORT_UNAVAILABLE"], "connect where nobody answers");
      const error = await scope.wait("connect to fail", refusal);
      claim(error.retryable, "an unreachable broker may answer later: retryable must be true");
      claim(transport.state() !== "ready", "connect failed, and yet the state is ready");
    },
  },
  {
    title: "54. connect with credentials that are refused fails with TRANSPORT_ACCESS_REFUSED in time",
    lacks: lacksHook("createRefused"),
    body: async (scope) => {
      claim(scope.harness.createRefused, "createRefused");
      const transport = await scope.harness.createRefused();
      scope.defer("closing a refused transport", () => transport.close());
      const refusal = claimRejects(transport.connect(), ["TRANSPORT_ACCESS_REFUSED"], "connect with wrong credentials");
      const error = await scope.wait("connect to fail", refusal);
      claim(!error.retryable, "wrong credentials stay wrong: retryable must be false");
    },
  },
  {
    title: "52. after a cut the connection comes back, with its subscriptions, and nothing confirmed is lost",
    runs: "alone",
    lacks: lacksHook("cutConnection"),
    patience: 3,
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel], onArrival: ack });
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
      const intake = await scope.subscribe(consumer, { group: scope.group(), channels: [channel], onArrival: ack });
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
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel], onArrival: ack });
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
