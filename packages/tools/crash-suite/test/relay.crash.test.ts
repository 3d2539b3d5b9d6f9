import { describe, expect, test, vi } from "vitest";
import type { RelayPoint } from "./processes/relay-process.ts";
import { type Child, type Fate, fates, strike } from "./support/child.ts";
import { expectAllSent, expectSentInOrder, placedIn } from "./support/invariants.ts";
import { patience } from "./support/patience.ts";
import { isShut, openScene, outboxIsEmpty, type Scene, steps } from "./support/scene.ts";

/*
 * A relay that is killed, or frozen until another has taken its place, at each point between its database and its
 * broker. What was committed is read from the database, what has left from a queue.
 */

const limit = { timeout: 90_000 };

describe.each(fates)("a relay that is %s", (fate) => {
  const points: readonly { readonly point: RelayPoint; readonly copies: number }[] = [
    { point: "after-read", copies: fate === "killed" ? 0 : 12 },
    { point: "after-publish", copies: 12 },
    { point: "before-renew", copies: 0 },
  ];
  test.each(points)("93, 94, 99, 100. $point: another goes on", limit, async ({ point, copies }) => {
    const scene = await openScene();
    await scene.broker.listen("placed");
    if (point !== "before-renew") await scene.place(steps(4));
    const first = scene.startRelay(point);
    await first.isAt(point);
    if (point === "before-renew") await scene.place(steps(4));
    await strike(first, fate);
    await replace(scene, first, fate);
    expect(await copiesSent(scene)).toBeLessThanOrEqual(copies);
  });

  test(
    "93, 100, 102. while its DELETE is at the server: the rows go or come again, and none is lost",
    limit,
    async () => {
      const scene = await openScene();
      await scene.broker.listen("placed");
      await scene.place(steps(4));
      const gate = await scene.gateOn("outbox_event", "delete");
      await gate.shut();
      const first = scene.startRelay();
      await isShut(gate);
      await strike(first, fate);
      await gate.open();
      await replace(scene, first, fate);
      expect(await copiesSent(scene)).toBeLessThanOrEqual(12);
    },
  );
});

/** Everything has left, in order. Answers how many copies came again. */
async function copiesSent(scene: Scene): Promise<number> {
  const committed = await placedIn(scene);
  const heard = await scene.broker.heard("placed");
  expectSentInOrder(heard, committed);
  return expectAllSent(heard, committed);
}

/** Another relay takes over and sends what there is; one that was only frozen wakes up then and changes nothing. */
async function replace(scene: Scene, first: Child, fate: Fate): Promise<void> {
  const second = scene.startRelay();
  await second.becomes("leading");
  await scene.place(steps(5, 5));
  await outboxIsEmpty(scene);
  if (fate === "frozen") await wakeInVain(scene, first);
  await second.end();
}

/** Whoever sleeps past his lease has lost it, and what he meant to write is not written. */
async function wakeInVain(scene: Scene, zombie: Child): Promise<void> {
  const lease = "SELECT owner || '/' || epoch FROM outbox_lease";
  const before = await scene.column(lease);
  zombie.wake();
  await zombie.becomes("standby");
  expect(await scene.column(lease)).toEqual(before);
  await outboxIsEmpty(scene);
  await zombie.end();
}

/*
 * Events that RabbitMQ refuses, since no queue is bound for them. Each is given up and holds its key, until somebody
 * binds a queue and has them tried again.
 */
describe("a relay that puts events aside", () => {
  const parked = (scene: Scene): Promise<readonly string[]> =>
    scene.column("SELECT status FROM outbox_parked ORDER BY seq");
  /** Three that were refused, and those behind them. */
  const allParked = (scene: Scene): Promise<void> =>
    vi.waitFor(async () => {
      expect(await scene.column("SELECT type FROM outbox_event")).toEqual([]);
      expect((await parked(scene)).filter((status) => status === "dead")).toHaveLength(3);
    }, patience);
  /** A person mends it. */
  const mend = async (scene: Scene): Promise<void> => {
    await scene.broker.listen("placed");
    expect(await scene.admin.retry({ status: "dead" })).toBe(3);
  };

  test.each(fates)(
    "101. %s in the transaction that parks: a row is in one place, and leaves when it can",
    limit,
    async (fate) => {
      const scene = await openScene();
      await scene.place(steps(3));
      const gate = await scene.gateOn("outbox_parked", "insert");
      await gate.shut();
      const first = scene.startRelay();
      await isShut(gate);
      await strike(first, fate);
      await gate.open();
      const second = scene.startRelay();
      await second.becomes("leading");
      await scene.place(steps(4, 4));
      await allParked(scene);
      expect(await parked(scene)).toHaveLength(12);
      await mend(scene);
      await outboxIsEmpty(scene);
      if (fate === "frozen") await wakeInVain(scene, first);
      await second.end();
      expect(await copiesSent(scene)).toBe(0);
    },
  );

  test.each(fates)(
    "101. %s while it settles parked rows: they go or come again, and none stays",
    limit,
    async (fate) => {
      const scene = await openScene();
      await scene.place(steps(3));
      const first = scene.startRelay();
      await allParked(scene);
      const gate = await scene.gateOn("outbox_parked", "delete");
      await gate.shut();
      await mend(scene);
      await isShut(gate);
      await strike(first, fate);
      await gate.open();
      await replace(scene, first, fate);
      expect(await copiesSent(scene)).toBeLessThanOrEqual(9);
    },
  );

  test(
    "100, 101. woken before it parks what its successor is publishing: the lease's epoch keeps it from that",
    limit,
    async () => {
      const scene = await openScene();
      await scene.place(steps(3));
      const zombie = scene.startRelay("before-park");
      await zombie.isAt("before-park");
      zombie.freeze();
      await scene.broker.listen("placed");
      const second = scene.startRelay("after-publish");
      await second.isAt("after-publish");
      zombie.wake();
      await zombie.becomes("standby");
      expect(await parked(scene)).toEqual([]);
      expect(await scene.column("SELECT type FROM outbox_event")).toHaveLength(9);
      second.wake();
      await outboxIsEmpty(scene);
      await zombie.end();
      await second.end();
      expect(await copiesSent(scene)).toBe(0);
    },
  );
});
