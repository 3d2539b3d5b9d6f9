import { ack, claimArrived } from "./intake.ts";
import { idOf, outgoing, outgoingRun } from "./message.ts";
import type { TransportCase } from "./scope.ts";

export const startCases: readonly TransportCase[] = [
  {
    title: "11. a new group starts at the beginning, at a time, or with what is new, as asked",
    lacks: (harness) =>
      harness.capabilities.replay ? undefined : "a new group cannot start in the past here (replay is false)",
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const old = outgoing(channel);
      await scope.confirm(transport, [old]);
      const start = await nextMoment(scope);
      await nextMoment(scope);
      const recent = outgoing(channel);
      await scope.confirm(transport, [recent]);
      const open = (startAt: "new" | "beginning" | Date) =>
        scope.subscribe(transport, { group: scope.group(), channels: [channel], startAt, onArrival: ack });
      const [beginning, time, fresh] = [await open("beginning"), await open(start), await open("new")];
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(
        await beginning.takeUntil(sentinel),
        [idOf(old), idOf(recent), sentinel],
        "any-order",
        "from the beginning",
      );
      claimArrived(await time.takeUntil(sentinel), [idOf(recent), sentinel], "any-order", "from a time");
      claimArrived(await fresh.takeUntil(sentinel), [sentinel], "any-order", "only what is new");
    },
  },
  {
    title: "11. a new group that cannot start in the past says so or gets only what is new",
    lacks: (harness) =>
      harness.capabilities.replay ? "a new group can start in the past here (replay is true)" : undefined,
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      await scope.bind(scope.group(), [channel]);
      await scope.confirm(transport, outgoingRun(channel, 3));
      const request = { group: scope.group(), channels: [channel], startAt: "beginning" } as const;
      const opened = await scope.subscribe(transport, request).then(
        (intake) => intake,
        () => undefined,
      );
      if (opened === undefined) return;
      const sentinel = await scope.sentinel(transport, channel);
      claimArrived(
        await opened.takeUntil(sentinel),
        [sentinel],
        "in-order",
        "replay is declared absent, so only",
      );
    },
  },
];

/** A moment that lies after everything done so far, also by a clock that counts whole milliseconds. */
async function nextMoment(scope: Parameters<TransportCase["body"]>[0]): Promise<Date> {
  const nowMs = Date.now();
  await scope.until("the clock to move on", () => Date.now() > nowMs + 1);
  return new Date();
}
