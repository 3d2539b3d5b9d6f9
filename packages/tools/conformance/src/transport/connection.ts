import type { ConnectionState } from "@postrider/core";
import { getEventListeners } from "node:events";
import { claim, claimEqual, claimRejects } from "../case/claim.ts";
import type { TransportHarness } from "../harness.ts";
import type { TransportCase } from "./scope.ts";

const lacksHook =
  (hook: "createUnreachable" | "createRefused") =>
  (harness: TransportHarness): string | undefined =>
    harness[hook] === undefined ? `the harness gives no ${hook}` : undefined;

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
      const refusal = claimRejects(
        transport.connect(),
        ["TRANSPORT_UNAVAILABLE"],
        "connect where nobody answers",
      );
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
      const refusal = claimRejects(
        transport.connect(),
        ["TRANSPORT_ACCESS_REFUSED"],
        "connect with wrong credentials",
      );
      const error = await scope.wait("connect to fail", refusal);
      claim(!error.retryable, "wrong credentials stay wrong: retryable must be false");
    },
  },
];
