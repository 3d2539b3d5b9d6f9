import {
  defineConsumer,
  exponential,
  fixed,
  immediate,
  MessagingError,
  noRetry,
  onError,
  Reject,
  type DeadLetter,
  type Settlement,
} from "@postrider/core";
import { describe, expect, test } from "vitest";
import { OrderPlaced, Ticked } from "../consume/support/events.ts";
import { changed } from "../consume/support/transports.ts";
import { createWorld, settled, type World } from "../consume/support/world.ts";
import { until } from "../support/recorder.ts";

class PaymentDeclined extends Error {}
class CardExpired extends PaymentDeclined {}

test("71. N immediate retries, and then success", async () => {
  const world = createWorld();
  const service = await world.service();
  const attempts: number[] = [];
  const consumer = defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 5 }) }).on(
    Ticked,
    (_, { attempt }) => {
      attempts.push(attempt);
      if (attempt < 5) throw new Error("not yet");
    },
  );
  await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.drained("g");
  expect(attempts).toEqual([1, 2, 3, 4, 5]);
  expect(world.group("g").deadLetters).toBe(0);
});

describe("74. per error", () => {
  const outcomeOf = async (
    thrown: Error,
    errors: NonNullable<Parameters<typeof defineConsumer>[1]>["errors"],
  ) => {
    const world = createWorld();
    const service = await world.service();
    const consumer = defineConsumer("g", { inbox: "none", errors, retry: noRetry() }).on(Ticked, () => {
      throw thrown;
    });
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await until("it was decided", () => Object.values(subscription.counts()).some((count) => count > 0));
    await settled();
    return { world, subscription };
  };

  test("'dead-letter' puts it aside at once, whatever the retry policy says", async () => {
    const { world } = await outcomeOf(new PaymentDeclined("no"), [onError(PaymentDeclined, "dead-letter")]);
    expect(reasonsOf(world)).toEqual(["rejected"]);
  });

  test("'discard' acknowledges and counts it", async () => {
    const { world, subscription } = await outcomeOf(new PaymentDeclined("no"), [
      onError(PaymentDeclined, "discard"),
    ]);
    expect(subscription.counts()).toMatchObject({ discarded: 1, "dead-lettered": 0 });
    expect(world.group("g")).toMatchObject({ queued: 0, unsettled: 0, deadLetters: 0 });
  });

  test("'pause' gives it back uncounted and stops the intake until somebody resumes", async () => {
    const { world, subscription } = await outcomeOf(new PaymentDeclined("no"), [
      onError((error, { attempt }) => error instanceof PaymentDeclined && attempt < 3, "pause"),
    ]);
    expect(subscription.counts().paused).toBe(1);
    expect(world.group("g")).toMatchObject({ queued: 1, unsettled: 0 });
    expect(world.logger.lines).toContainEqual(
      expect.objectContaining({ level: "error", message: expect.stringContaining("paused") }),
    );
    subscription.resume();
    await until("it came again", () => subscription.counts().paused === 2);
    await until("it is back", () => world.group("g").queued === 1);
  });

  test("a policy of its own is used, its number of attempts included", async () => {
    const world = createWorld();
    const service = await world.service();
    const atMs: number[] = [];
    const errors = [onError(PaymentDeclined, fixed({ attempts: 3, delayMs: 7_000 }))];
    const consumer = defineConsumer("g", { inbox: "none", retry: noRetry(), errors }).on(Ticked, () => {
      atMs.push(world.clock.monotonicMs());
      throw new PaymentDeclined("no");
    });
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await world.drainedInTime("g");
    expect(atMs).toEqual([0, 7_000, 14_000]);
    expect(reasonsOf(world)).toEqual(["exhausted"]);
  });

  test("'retry' follows the consumer's policy", async () => {
    const { world } = await outcomeOf(new PaymentDeclined("no"), [
      onError(PaymentDeclined, "retry"),
      onError(Error, "discard"),
    ]);
    expect(reasonsOf(world)).toEqual(["exhausted"]);
  });

  test("the first line that matches decides, subclasses included", async () => {
    const lines = [onError(CardExpired, "discard"), onError(PaymentDeclined, "dead-letter")];
    expect((await outcomeOf(new CardExpired("no"), lines)).subscription.counts()).toMatchObject({
      discarded: 1,
    });
    expect((await outcomeOf(new CardExpired("no"), lines.toReversed())).subscription.counts()).toMatchObject({
      "dead-lettered": 1,
    });
    expect((await outcomeOf(new TypeError("other"), lines)).subscription.counts()).toMatchObject({
      "dead-lettered": 1,
    });
  });
});

test("75. Reject goes before every rule and every retry", async () => {
  const world = createWorld();
  const service = await world.service();
  const errors = [onError(Error, "discard"), onError(() => true, "pause")];
  const consumer = defineConsumer("g", { inbox: "none", errors, retry: exponential({ attempts: 9 }) }).on(
    Ticked,
    () => {
      throw new Reject("never");
    },
  );
  const subscription = await service.consume(consumer);
  await service.publish(Ticked({ n: 1 }));
  await world.drained("g");
  expect(subscription.counts()).toMatchObject({ "dead-lettered": 1, discarded: 0, paused: 0, retried: 0 });
  expect(reasonsOf(world)).toEqual(["rejected"]);
});

test("76. an exhausted message goes to the dead letters with attempts, error chain, origin and times, its bytes untouched", async () => {
  const world = createWorld();
  const service = await world.service();
  const letters: DeadLetter[] = [];
  const startedAt = world.clock.now();
  const consumer = defineConsumer("g", { inbox: "none", retry: fixed({ attempts: 3, delayMs: 1_000 }) }).on(
    OrderPlaced,
    () => {
      throw Object.assign(new TypeError("outer", { cause: new Error("inner") }), { code: "E_OUTER" });
    },
  );
  await service.consume(consumer);
  await service.publish(OrderPlaced({ orderId: "4711" }, { id: "the-id", extensions: { region: "eu" } }));
  await world.clock.runUntil(() => world.group("g").deadLetters === 1);
  await service.consumeDeadLetters("g", (letter) => void letters.push(letter));
  await until("the letter is read", () => letters.length === 1);
  expect(letters[0]).toMatchObject({
    reason: "exhausted",
    consumer: "g",
    attempts: 3,
    errors: [
      {
        name: "TypeError",
        code: "E_OUTER",
        message: "outer",
        stack: expect.stringContaining("TypeError: outer"),
      },
      { name: "Error", message: "inner" },
    ],
    // Each delivery knows of its own failure: the first one was told to another.
    firstFailedAt: new Date(startedAt + 2_000).toISOString(),
    deadLetteredAt: new Date(startedAt + 2_000).toISOString(),
    origin: { channel: OrderPlaced.channel, offset: 1 },
    message: { channel: OrderPlaced.channel, key: "4711", attributes: { id: "the-id", region: "eu" } },
  });
  expect(JSON.parse(Buffer.from(letters[0]?.message.body ?? []).toString())).toEqual({ orderId: "4711" });
});

test("76. where the attempts are made here, the letter tells when the first one failed", async () => {
  const world = createWorld();
  const service = await world.service();
  const startedAt = world.clock.now();
  const consumer = defineConsumer("g", {
    inbox: "none",
    ordering: "key",
    retry: fixed({ attempts: 3, delayMs: 1_000 }),
  }).on(OrderPlaced, () => {
    throw new Error("no");
  });
  await service.consume(consumer);
  await service.publish(OrderPlaced({ orderId: "1" }));
  await world.drainedInTime("g");
  const [letter] = world.broker.inspect().deadLetters;
  expect(letter?.headers).toMatchObject({
    "postrider-dead-letter-attempts": "3",
    "postrider-dead-letter-first-failed-at": new Date(startedAt).toISOString(),
    "postrider-dead-letter-at": new Date(startedAt + 2_000).toISOString(),
  });
});

describe("77. what the broker does not take is said again as long as the message is ours", () => {
  const refusing = (world: World, kind: Settlement["kind"], times: number) => {
    const said: number[] = [];
    const transport = changed(world, {
      delivery: (delivery) => ({
        ...delivery,
        settle: async (settlement) => {
          if (settlement.kind === kind) said.push(world.clock.monotonicMs());
          if (settlement.kind === kind && said.length <= times)
            throw new MessagingError("TRANSPORT_FULL", "no room");
          return delivery.settle(settlement);
        },
      }),
    });
    return { transport, said };
  };

  test("a dead letter: the original stays unsettled, and the letter is written with growing waits", async () => {
    const world = createWorld();
    const { transport, said } = refusing(world, "dead-letter", 3);
    const service = await world.service({ transport });
    const consumer = defineConsumer("g", { inbox: "none", retry: noRetry() }).on(Ticked, () => {
      throw new Error("no");
    });
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await until("the letter was refused", () => said.length === 1);
    expect(world.group("g")).toMatchObject({ unsettled: 1, deadLetters: 0 });
    expect(subscription.counts()["dead-lettered"]).toBe(0);
    await world.drainedInTime("g");
    expect(said).toEqual([0, 500, 1_500, 3_500]);
    expect(world.group("g").deadLetters).toBe(1);
    expect(subscription.counts()["dead-lettered"]).toBe(1);
  });

  test("a dead letter, at the close: the original goes back", async () => {
    const world = createWorld();
    const { transport, said } = refusing(world, "dead-letter", 1_000);
    const service = await world.service({ transport });
    const consumer = defineConsumer("g", { inbox: "none", retry: noRetry() }).on(Ticked, () => {
      throw new Error("no");
    });
    const subscription = await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await until("the letter was refused", () => said.length === 1);
    await subscription.close();
    expect(world.group("g")).toMatchObject({ queued: 1, unsettled: 0, deadLetters: 0 });
    expect(subscription.counts()["dead-lettered"]).toBe(0);
    expect(world.logger.lines.filter(({ message }) => message.includes("went to the dead letters"))).toEqual(
      [],
    );
  });

  test("a letter of bytes that cannot be read", async () => {
    const world = createWorld();
    const { transport, said } = refusing(world, "dead-letter", 1);
    const service = await world.service({ transport });
    await service.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, () => {}));
    world.broker.inject(Ticked.channel, { body: Buffer.from("?") });
    await until("the letter was refused", () => said.length === 1);
    await world.drainedInTime("g");
    expect(reasonsOf(world)).toEqual(["undecodable"]);
  });

  test("a retry", async () => {
    const world = createWorld();
    const { transport, said } = refusing(world, "retry", 1);
    const service = await world.service({ transport });
    const attempts: number[] = [];
    const consumer = defineConsumer("g", { inbox: "none", retry: immediate({ attempts: 2 }) }).on(
      Ticked,
      (_, { attempt }) => {
        attempts.push(attempt);
        if (attempt === 1) throw new Error("once");
      },
    );
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await until("the retry was refused", () => said.length === 1);
    await world.drainedInTime("g");
    expect(attempts).toEqual([1, 2]);
  });

  test("an acknowledgement, without running the handler again", async () => {
    const world = createWorld();
    const { transport, said } = refusing(world, "ack", 2);
    const service = await world.service({ transport });
    let calls = 0;
    await service.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, () => void (calls += 1)));
    await service.publish(Ticked({ n: 1 }));
    await until("it was refused", () => said.length === 1);
    await world.drainedInTime("g");
    expect(calls).toBe(1);
    expect(said).toHaveLength(3);
  });
});

describe("a handler of dead letters", () => {
  const failing = async (world: World) => {
    const service = await world.service();
    const consumer = defineConsumer("g", { inbox: "none", retry: noRetry() }).on(Ticked, () => {
      throw new Error("no");
    });
    await service.consume(consumer);
    await service.publish(Ticked({ n: 1 }));
    await until("there is a letter", () => world.group("g").deadLetters === 1);
    return service;
  };

  test("that throws keeps the letter, and gets it again a second later", async () => {
    const world = createWorld();
    const service = await failing(world);
    const atMs: number[] = [];
    await service.consumeDeadLetters("g", () => {
      atMs.push(world.clock.monotonicMs());
      if (atMs.length === 1) throw new Error("not now");
    });
    await until("it looked once", () => atMs.length === 1);
    await settled();
    expect(world.group("g").deadLetters).toBe(1);
    await world.clock.runUntil(() => world.group("g").deadLetters === 0);
    expect(atMs).toEqual([0, 1_000]);
  });

  test("that never ends does not keep the close from ending; its signal fires, and the letter stays", async () => {
    const world = createWorld();
    const service = await failing(world);
    const signals: AbortSignal[] = [];
    const subscription = await service.consumeDeadLetters("g", (_, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    await until("it looks", () => signals.length === 1);
    const closing = subscription.close({ drainMs: 2_000 });
    await world.clock.advance(2_000);
    await closing;
    expect(signals[0]?.aborted).toBe(true);
    expect(world.group("g").deadLetters).toBe(1);
  });

  test("is one per group and messaging", async () => {
    const world = createWorld();
    const service = await failing(world);
    await service.consumeDeadLetters("g", () => new Promise(() => {}));
    await expect(service.consumeDeadLetters("g", () => {})).rejects.toMatchObject({
      code: "USAGE_ALREADY_SUBSCRIBED",
    });
  });
});

function reasonsOf(world: World): (string | undefined)[] {
  return world.broker.inspect().deadLetters.map(({ headers }) => headers["postrider-dead-letter-reason"]);
}
