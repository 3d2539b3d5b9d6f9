import {
  defineCatalog,
  defineConsumer,
  defineEvent,
  memory,
  OptionsError,
  upcastFromType,
  type BatchOptions,
  type Capabilities,
} from "@postrider/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { OrderCancelled, OrderPlaced, ShipOrder, Ticked } from "./support/events.ts";
import { createWorld } from "./support/world.ts";

const define = defineConsumer as unknown as (
  name: unknown,
  options?: unknown,
) => ReturnType<typeof defineConsumer>;

describe("the options of a consumer", () => {
  test("that are wrong are all named in one OptionsError, where the consumer is defined", () => {
    const wrong = {
      concurency: 5,
      retry: "often",
      errors: [{}, { matches: () => true, action: "ignore" }],
      concurrency: 0,
      maxInFlight: 1.5,
      timeoutMs: Number.NaN,
      inbox: "redis",
      ordering: "keys",
      onExhausted: "stop",
      unhandled: "drop",
      members: "all",
      foreign: {},
      startAt: new Date("no date"),
      channels: ["fine.channel", "not fine"],
    };
    expect(() => define("not fine", wrong)).toThrow(OptionsError);
    expect(() => define("not fine", wrong)).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        problems: [
          expect.stringContaining("name:"),
          expect.stringContaining("concurency: is no option (did you mean 'concurrency'?)"),
          expect.stringContaining("retry: must be a retry policy"),
          expect.stringContaining("errors[0]: must be made by onError"),
          expect.stringContaining(
            "errors[1].action: must be 'retry', 'dead-letter', 'discard', 'pause' or a retry policy",
          ),
          expect.stringContaining("concurrency: must be a whole number from 1 to 10,000"),
          expect.stringContaining("maxInFlight: must be a whole number from 1 to 100,000"),
          expect.stringContaining("timeoutMs: must be more than 0 milliseconds, or Infinity"),
          expect.stringContaining("inbox: must be one of store, memory, none"),
          expect.stringContaining("ordering: must be one of none, key"),
          expect.stringContaining("onExhausted: must be one of skip, hold-key"),
          expect.stringContaining("onExhausted: needs ordering: 'key'"),
          expect.stringContaining("unhandled: must be one of ack, dead-letter"),
          expect.stringContaining("members: must be one of share, each"),
          expect.stringContaining("foreign: must be a function"),
          expect.stringContaining("startAt: must be 'new', 'beginning' or a valid Date"),
          expect.stringContaining("channels[1]: "),
        ],
      }),
    );
  });

  test.each([
    ["errors that are no list", { errors: {} }, "errors: must be an array of onError(…)"],
    ["channels that are no list", { channels: "orders" }, "channels: must be an array of names"],
    [
      "a policy with attempts 0",
      { retry: { attempts: 0, delayMs: () => 0 } },
      "retry.attempts: must be a whole number from 1",
    ],
    ["a time-out of 0", { timeoutMs: 0 }, "timeoutMs: must be more than 0 milliseconds"],
    [
      "a store's inbox for each member",
      { members: "each", inbox: "store" },
      "inbox: 'store' marks a message for all instances",
    ],
  ])("%s is refused", (_, options, said) => {
    expect(() => define("g", options)).toThrow(said);
  });

  test.each([undefined, 5, "", "two words", "a".repeat(201)])("a name of %j is refused", (name) => {
    expect(() => define(name)).toThrow("name: letters, digits");
  });

  test("that are undefined are taken for left out", () => {
    const undefinedOnes = Object.fromEntries(
      ["retry", "errors", "concurrency", "ordering", "onExhausted", "channels"].map((name) => [
        name,
        undefined,
      ]),
    );
    expect(() => define("g", undefinedOnes)).not.toThrow();
  });

  test("of a batch are checked where the handler is added", () => {
    const wrong = { maxSize: 0, maxWaitMs: Number.POSITIVE_INFINITY } satisfies BatchOptions;
    expect(() => defineConsumer("g").onBatch(Ticked, () => {}, wrong)).toThrow(
      expect.objectContaining({
        problems: [
          "maxSize: must be a whole number from 1 to 10,000",
          "maxWaitMs: must be 0 or more milliseconds",
        ],
      }),
    );
  });
});

describe("handlers", () => {
  test("of one type twice are refused, in whatever way they were added", () => {
    const consumer = defineConsumer("g").on(Ticked, () => {});
    const again = consumer as unknown as ReturnType<typeof defineConsumer>;
    const refused = expect.objectContaining({
      code: "USAGE_DUPLICATE_HANDLER",
      message: `The consumer 'g' already handles '${Ticked.type}'.`,
    });
    expect(() => again.on(Ticked, () => {})).toThrow(refused);
    expect(() => again.onBatch(Ticked, () => {})).toThrow(refused);
    expect(() => again.ignore(Ticked)).toThrow(refused);
    expect(() => again.onEach([OrderPlaced, Ticked], () => {})).toThrow(refused);
    expect(() => defineConsumer("g").onEach([Ticked, Ticked], () => {})).toThrow(refused);
  });

  test("that would lift one older type twice are refused, since one of them would never see it", () => {
    const lifting = (type: string) =>
      defineEvent(type, { data: z.object({}), upcast: [upcastFromType("test.a.old.v1", () => ({}))] });
    const consumer = defineConsumer("g").on(lifting("test.a.one.v2"), () => {});
    expect(() => consumer.on(lifting("test.a.two.v2"), () => {})).toThrow(
      "The consumer 'g' would lift 'test.a.old.v1' twice: to 'test.a.one.v2' and to 'test.a.two.v2'.",
    );
  });

  test("are added to a new value each time; the one before stays as it was", async () => {
    const base = defineConsumer("g", { inbox: "none" });
    const one = base.on(Ticked, () => {});
    const two = base.on(Ticked, () => {});
    expect(Object.isFrozen(one)).toBe(true);
    expect(one).not.toBe(two);
    const world = createWorld();
    await expect((await world.service()).consume(base)).rejects.toThrow("has no handler");
  });

  test("that are no functions, and definitions that are none, are refused by name", () => {
    const consumer = defineConsumer("g") as unknown as Record<
      "on" | "onBatch",
      (...args: unknown[]) => unknown
    >;
    expect(() => consumer.on(Ticked)).toThrow(
      "The consumer 'g' was given undefined where a handler belongs.",
    );
    expect(() => consumer.on(Ticked.type, () => {})).toThrow(
      "The consumer 'g' was given a string where a definition belongs",
    );
    expect(() => consumer.onBatch(ShipOrder, () => {})).toThrow("a command is answered one by one");
  });

  test("must cover the catalog where exhaustive is asked for; what is missing is named", () => {
    const catalog = defineCatalog({ OrderPlaced, OrderCancelled, Ticked });
    const consumer = defineConsumer("g").on(Ticked, () => {});
    const loose = consumer as unknown as { exhaustive(catalog: unknown): unknown };
    expect(() => loose.exhaustive(catalog)).toThrow(
      `no handler for '${OrderPlaced.type}'; no handler for '${OrderCancelled.type}'`,
    );
    expect(
      consumer
        .on(OrderPlaced, () => {})
        .ignore(OrderCancelled)
        .exhaustive(catalog).name,
    ).toBe("g");
  });

  test("consume takes what defineConsumer returned, and nothing else", async () => {
    const world = createWorld();
    const service = await world.service();
    const consume = service.consume as unknown as (consumer: unknown) => Promise<unknown>;
    for (const wrong of [undefined, "shipping", {}, Ticked]) {
      await expect(consume(wrong)).rejects.toMatchObject({ code: "USAGE_WRONG_KIND" });
    }
  });
});

describe("an option that the broker cannot meet", () => {
  const lacking = (changes: Partial<Capabilities>) => {
    const world = createWorld();
    const transport = memory({ broker: world.broker });
    return world.service({
      transport: { ...transport, capabilities: { ...transport.capabilities, ...changes } as never },
    });
  };

  test.each([
    ["orderingScope", { orderingScope: "none" }, define("g", { ordering: "key" })],
    ["replay", { replay: false }, define("g", { startAt: "beginning" })],
    ["replay", { replay: false }, define("g", { startAt: new Date(0) })],
    ["fanOut", { fanOut: false }, define("g", { members: "each" })],
  ] as const)("fails at the start, naming '%s'", async (capability, changes, consumer) => {
    const service = await lacking(changes);
    const started = service.consume(consumer.on(Ticked, () => {}));
    await expect(started).rejects.toMatchObject({
      code: "CONFIG_CAPABILITY_MISSING",
      context: { capability },
    });
    expect((await service.health()).consumers).toEqual([]);
  });
});
