import { defineConsumer, immediate, noRetry } from "@postrider/core";
import { expect, test } from "vitest";
import { until } from "../support/recorder.ts";
import { Ticked } from "./support/events.ts";
import { createWorld } from "./support/world.ts";

test("a unit of work inside a handler joins the handler's, and its hooks run after the commit", async () => {
  const world = createWorld();
  const store = world.store();
  const service = await world.storing(store);
  const seen: (string | number)[] = [];
  const consumer = defineConsumer("ticks", { store, retry: immediate({ attempts: 2 }) }).on(
    Ticked,
    async (_event, { tx, attempt }) => {
      await service.unitOfWork().run(async (unit) => {
        expect(unit.tx).toBe(tx);
        await unit.tx.put("effects", "1", attempt);
        unit.afterCommit(() => void seen.push(attempt, store.rows("effects").size));
      });
      if (attempt === 1) throw new Error("not yet");
    },
  );
  await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.drained("ticks");
  // The first attempt was rolled back, and its hook with it.
  expect(seen).toEqual([2, 1]);
});

test("a hook of a handler's unit that fails is logged, and the message is done all the same", async () => {
  const world = createWorld();
  const store = world.store();
  const service = await world.storing(store);
  const consumer = defineConsumer("ticks", { store, retry: noRetry() }).on(Ticked, () =>
    service.unitOfWork().run(async (unit) => {
      unit.afterCommit(() => {
        throw new Error("the mail server is gone");
      });
    }),
  );
  const subscription = await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.drained("ticks");
  expect(subscription.counts()).toMatchObject({ handled: 1, "dead-lettered": 0 });
  expect(world.logger.lines).toContainEqual(
    expect.objectContaining({
      level: "error",
      context: expect.objectContaining({ reason: "the mail server is gone" }),
    }),
  );
});

test("what a handler leaves running is outside of its unit once the handler has returned", async () => {
  const world = createWorld();
  const store = world.store();
  const service = await world.storing(store);
  let later: (() => void) | undefined;
  const outcomes: unknown[] = [];
  const consumer = defineConsumer("ticks", { store }).on(Ticked, () => {
    void new Promise<void>((resolve) => {
      later = resolve;
    }).then(() => outcomes.push(service.unitOfWork().current()));
  });
  await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.drained("ticks");
  later?.();
  await until("the promise that was left behind has gone on", () => outcomes.length === 1);
  expect(outcomes).toEqual([undefined]);
});
