import { describe, expect, test, vi } from "vitest";
import { type Child, fates, strike } from "./support/child.ts";
import {
  expectEffectsInOrder,
  expectEffectsOnce,
  expectSentInOrder,
  placedIn,
} from "./support/invariants.ts";
import { patience } from "./support/patience.ts";
import { steps } from "./support/scene.ts";
import { expectWhole, openStage, type Stage, startConsumer } from "./support/stage.ts";

/*
 * A consumer that is killed, or frozen until the broker has given its messages to another, on the last steps of an
 * attempt. Effects are read from the database, what follows from them from a queue.
 */

const limit = { timeout: 90_000 };

/** All is as it should be, and happened to each key in the order of the commits. */
async function expectWholeInOrder(stage: Stage, living: readonly Child[]): Promise<void> {
  const heard = await expectWhole(stage, living);
  const committed = await placedIn(stage);
  await expectEffectsInOrder(stage, committed);
  expectSentInOrder(heard, committed);
}

const whole = { key: expectWholeInOrder, none: expectWhole } as const;

function effectsOf(stage: Stage): Promise<readonly string[]> {
  return stage.column("SELECT name FROM effect");
}

describe.each(["key", "none"] as const)("a consumer with ordering '%s' that stops before-ack", (ordering) => {
  test.each(fates)(
    "114, 116, 117. %s: what was committed is not done again, and what follows from it leaves",
    limit,
    async (fate) => {
      const stage = await openStage();
      // Others of its transactions may be open when it is frozen.
      const first = await startConsumer(stage, { ordering, point: "before-ack", idleInTransactionMs: 1_500 });
      await stage.place(steps(4));
      await first.isAt("before-ack");
      await vi.waitFor(async () => expect(await effectsOf(stage)).not.toEqual([]), patience);
      await strike(first, fate);
      const second = await startConsumer(stage, { ordering });
      await stage.place(steps(5, 5));
      await expectEffectsOnce(stage, await placedIn(stage));
      if (fate === "frozen") first.wake();
      await whole[ordering](stage, fate === "frozen" ? [first, second] : [second]);
    },
  );
});

/** Frozen, its transactions stay open at the server, with the marks that they have written. */
describe("a consumer that stops before-commit", () => {
  test("116, 121. killed: nothing of it is there, and another does it", limit, async () => {
    const stage = await openStage();
    const first = await startConsumer(stage, { ordering: "key", point: "before-commit" });
    await stage.place(steps(4));
    await first.isAt("before-commit");
    await first.kill();
    await nobodyWorks(stage);
    expect(await effectsOf(stage)).toEqual([]);
    expect(await stage.column("SELECT message_id FROM inbox_message")).toEqual([]);
    const second = await startConsumer(stage, { ordering: "key" });
    await stage.place(steps(5, 5));
    await expectWholeInOrder(stage, [second]);
    await expectDoneBy(stage, second);
  });

  test(
    "115. frozen: another waits for its mark, and drops the message when it wakes and commits",
    limit,
    async () => {
      const stage = await openStage();
      const first = await startConsumer(stage, { ordering: "key", point: "before-commit" });
      await stage.place([{ key: "k0", step: 1 }]);
      await first.isAt("before-commit");
      first.freeze();
      const second = await startConsumer(stage, { ordering: "key" });
      await somebodyWaits(stage);
      expect(await effectsOf(stage)).toEqual([]);
      first.wake();
      await expectEffectsOnce(stage, await placedIn(stage));
      await stage.place(steps(2, 2));
      await expectWholeInOrder(stage, [first, second]);
    },
  );

  test(
    "115, 116. frozen past the server's patience: another does it, and the COMMIT comes to nothing",
    limit,
    async () => {
      const stage = await openStage();
      const first = await startConsumer(stage, {
        ordering: "key",
        point: "before-commit",
        idleInTransactionMs: 1_500,
      });
      await stage.place(steps(4));
      await first.isAt("before-commit");
      first.freeze();
      const second = await startConsumer(stage, { ordering: "key" });
      await expectEffectsOnce(stage, await placedIn(stage));
      await expectDoneBy(stage, second);
      first.wake();
      await expectWholeInOrder(stage, [first, second]);
      await expectDoneBy(stage, second);
    },
  );
});

/** No transaction holds a mark of the inbox: sessions of killed processes work on until they look up. */
function nobodyWorks(stage: Stage): Promise<void> {
  const locks = "SELECT pid FROM pg_locks WHERE relation = 'inbox_message'::regclass";
  return vi.waitFor(async () => expect(await stage.sql(locks)).toEqual([]), patience);
}

/** A transaction waits for the end of another one, and wants to write a mark. */
function somebodyWaits(stage: Stage): Promise<void> {
  const waiting = `SELECT l.pid FROM pg_locks l JOIN pg_locks mine ON mine.pid = l.pid
    WHERE l.locktype = 'transactionid' AND NOT l.granted AND mine.relation = 'inbox_message'::regclass`;
  return vi.waitFor(async () => expect(await stage.sql(waiting)).not.toEqual([]), patience);
}

async function expectDoneBy(stage: Stage, child: Child): Promise<void> {
  expect(await stage.column("SELECT DISTINCT pid FROM effect")).toEqual([String(child.pid)]);
}
