import {
  createMessaging,
  createRelay,
  defineCatalog,
  defineCommand,
  defineConsumer,
  defineEvent,
  defineQuery,
  exponential,
  fixed,
  immediate,
  isMessagingError,
  memory,
  memoryBroker,
  memoryDriver,
  memoryStore,
  onError,
  OptionsError,
  upcastFrom,
  upcastFromType,
} from "@postrider/core";
import { describe, expect, test } from "vitest";
import { Placed, Ticked } from "../support/orders.ts";
import { place, publisherOn, serviceOn, storeOn } from "../support/services.ts";
import { z } from "zod";

/*
 * Everything that takes options, called from plain JavaScript: with nothing, null, a misspelled name, a value of the
 * wrong type, and two mistakes at once.
 */

type Entry = readonly [name: string, call: (options: never) => unknown, cases: Cases];

interface Cases {
  /** The options that are fine; what is added to them is the mistake. */
  readonly fine: object;
  /** A misspelled option and what was meant. */
  readonly misspelled: readonly [wrong: string, meant: string];
  /** An option, with the wrong value, and the beginning of the sentence. */
  readonly wrong: readonly [name: string, value: unknown, said: string];
  /** True where the options may be left out. */
  readonly mayBeNothing: boolean;
}

const here = place();
const data = z.object({});
const consumer = () => defineConsumer("g", { inbox: "none" }).on(Ticked, () => {});
const outgoing = async () => publisherOn(here);
const event = { specversion: "1.0", id: "1", source: "/a", type: "com.acme.ticks.ticked.v1" };

const entries: readonly Entry[] = [
  [
    "createMessaging",
    (options) => createMessaging(options),
    {
      fine: { source: "/a", broker: memory() },
      misspelled: ["stroe", "store"],
      wrong: ["startRetryMs", "soon", "startRetryMs: must be 0 or more milliseconds"],
      mayBeNothing: false,
    },
  ],
  [
    "createMessaging({ publish })",
    (publish) => createMessaging({ source: "/a", broker: memory(), publish }),
    {
      fine: {},
      misspelled: ["deadline", "deadlineMs"],
      wrong: ["maxMessagesInFlight", "9", "publish.maxMessagesInFlight: must be a whole number from 1"],
      mayBeNothing: true,
    },
  ],
  [
    "createMessaging({ telemetry })",
    (telemetry) => createMessaging({ source: "/a", broker: memory(), telemetry }),
    {
      fine: {},
      misspelled: ["bagage", "baggage"],
      wrong: ["consumerSpanRelation", 1, "telemetry.consumerSpanRelation: must be 'parent' or 'link'"],
      mayBeNothing: true,
    },
  ],
  [
    "createMessaging({ relay })",
    (relay) => createMessaging({ source: "/a", broker: memory(), store: memoryStore(), relay }),
    {
      fine: {},
      misspelled: ["batchsize", "batchSize"],
      wrong: ["leaseMs", "long", "relay.leaseMs: must be from 1,000"],
      mayBeNothing: true,
    },
  ],
  [
    "createMessaging({ broker }) by URL",
    (broker) => createMessaging({ source: "/a", broker }),
    {
      fine: {
        url: "memory://",
        transports: { memory: async () => ({ transport: memoryDriver(memoryBroker()) }) },
      },
      misspelled: ["memroy", "memory"],
      wrong: ["url", 5, "broker.url: must be a string"],
      mayBeNothing: false,
    },
  ],
  [
    "createRelay",
    (options) => createRelay(options),
    {
      fine: { store: memoryStore(), transport: memory() },
      misspelled: ["maxPoolMs", "maxPollMs"],
      wrong: ["batchSize", "9", "batchSize: must be a whole number from 1"],
      mayBeNothing: false,
    },
  ],
  [
    "publish",
    async (options) => (await outgoing()).publish(Ticked({ n: 1 }), options),
    {
      fine: {},
      misspelled: ["deadline", "deadlineMs"],
      wrong: ["signal", {}, "signal: must be an AbortSignal"],
      mayBeNothing: true,
    },
  ],
  [
    "publishBatch",
    async (options) => (await outgoing()).publishBatch([Ticked({ n: 1 })], options),
    {
      fine: {},
      misspelled: ["kye", "key"],
      wrong: ["deadlineMs", "1 s", "deadlineMs: must be more than 0 milliseconds"],
      mayBeNothing: true,
    },
  ],
  [
    "forward",
    async (options) => (await outgoing()).forward(event, options),
    {
      fine: {},
      misspelled: ["chanel", "channel"],
      wrong: ["deadlineMs", "1 s", "deadlineMs: must be more than 0 milliseconds"],
      mayBeNothing: true,
    },
  ],
  [
    "a definition called with data and options",
    (options) => Placed({ orderId: "1" }, options),
    {
      fine: { id: "1" },
      misspelled: ["extension", "extensions"],
      wrong: ["tenat", "a", "tenat: is no option (did you mean 'tenant'?)"],
      mayBeNothing: true,
    },
  ],
  [
    "defineEvent",
    (options) => defineEvent("a.b.c.v1", options),
    {
      fine: { data },
      misspelled: ["dataSchema", "dataschema"],
      wrong: ["key", "orderId", "key: must be a function of the data"],
      mayBeNothing: false,
    },
  ],
  [
    "defineCommand",
    (options) => defineCommand("a.b.c.v1", options),
    {
      fine: { data },
      misspelled: ["replay", "reply"],
      wrong: ["description", 5, "description: must be a string"],
      mayBeNothing: false,
    },
  ],
  [
    "defineQuery",
    (options) => defineQuery("a.b.c.v1", options),
    {
      fine: { data, reply: data },
      misspelled: ["upcasts", "upcast"],
      wrong: ["channel", 5, "channel: must be a non-empty string"],
      mayBeNothing: false,
    },
  ],
  [
    "defineConsumer",
    (options) => defineConsumer("g", options),
    {
      fine: {},
      misspelled: ["timeout", "timeoutMs"],
      wrong: ["store", "postgres", "store: must be the store of the messaging"],
      mayBeNothing: true,
    },
  ],
  [
    "onBatch",
    (options) => defineConsumer("g").onBatch(Ticked, () => {}, options),
    {
      fine: {},
      misspelled: ["maxsize", "maxSize"],
      wrong: ["maxWaitMs", "1 s", "maxWaitMs: must be 0 or more milliseconds"],
      mayBeNothing: true,
    },
  ],
  [
    "consume",
    async (options) => (await outgoing()).consume(consumer(), options),
    {
      fine: {},
      misspelled: ["singal", "signal"],
      wrong: ["drainMs", "1 s", "drainMs: must be 0 or more milliseconds"],
      mayBeNothing: true,
    },
  ],
  [
    "close",
    async (options) => (await outgoing()).close(options),
    {
      fine: {},
      misspelled: ["drain", "drainMs"],
      wrong: ["drainMs", "1 s", "drainMs: must be 0 or more milliseconds"],
      mayBeNothing: true,
    },
  ],
  [
    "the close of a subscription",
    async (options) => (await (await outgoing()).consume(consumer())).close(options),
    {
      fine: {},
      misspelled: ["drain", "drainMs"],
      wrong: ["drainMs", -1, "drainMs: must be 0 or more milliseconds"],
      mayBeNothing: true,
    },
  ],
  [
    "run",
    async (options) => (await outgoing()).run(options),
    {
      fine: { signal: AbortSignal.abort() },
      misspelled: ["drain", "drainMs"],
      wrong: ["drainMs", "1 s", "drainMs: must be 0 or more milliseconds"],
      mayBeNothing: false,
    },
  ],
  [
    "memory",
    (options) => memory(options),
    {
      fine: {},
      misspelled: ["missingChanel", "missingChannel"],
      wrong: ["broker", {}, "broker: must be what memoryBroker() returned"],
      mayBeNothing: true,
    },
  ],
  [
    "memoryStore",
    (options) => memoryStore(options),
    {
      fine: {},
      misspelled: ["clok", "clock"],
      wrong: ["clock", 5, "clock: must have now, monotonicMs and schedule"],
      mayBeNothing: true,
    },
  ],
  [
    "memoryBroker",
    (options) => memoryBroker(options),
    {
      fine: {},
      misspelled: ["maxMessageByte", "maxMessageBytes"],
      wrong: ["retainedMessages", "many", "retainedMessages: must be a whole number from 1"],
      mayBeNothing: true,
    },
  ],
  [
    "exponential",
    (options) => exponential(options),
    {
      fine: { attempts: 3 },
      misspelled: ["initial", "initialMs"],
      wrong: ["factor", "2", "factor: must be 1 or more"],
      mayBeNothing: false,
    },
  ],
  [
    "fixed",
    (options) => fixed(options),
    {
      fine: { attempts: 3, delayMs: 1 },
      misspelled: ["delay", "delayMs"],
      wrong: ["delayMs", "1", "delayMs: must be 0 or more milliseconds"],
      mayBeNothing: false,
    },
  ],
  [
    "immediate",
    (options) => immediate(options),
    {
      fine: { attempts: 3 },
      misspelled: ["attempt", "attempts"],
      wrong: ["attempts", "3", "attempts: must be a whole number from 1"],
      mayBeNothing: false,
    },
  ],
];

describe.each(entries)(
  "%s",
  (_, call, { fine, misspelled: [typo, meant], wrong: [name, value, said], mayBeNothing }) => {
    const failure = (options: unknown) => refusal(() => call(options as never));

    test("takes options that are fine", async () => {
      expect(await failure(fine)).toBeUndefined();
    });

    test(`${mayBeNothing ? "takes" : "refuses"} nothing at all`, async () => {
      expect((await failure(undefined)) instanceof OptionsError).toBe(!mayBeNothing);
    });

    test.each([null, 5, "text", []])("refuses %j", async (options) => {
      expect(await failure(options)).toBeInstanceOf(OptionsError);
    });

    test("names an option that it does not have, and the one that was meant", async () => {
      const error = await failure({ ...fine, [typo]: 1 });
      expect(error).toBeInstanceOf(OptionsError);
      expect(error).toMatchObject({
        code: "CONFIG_INVALID",
        problems: [expect.stringContaining(`${typo}: is no option (did you mean '${meant}'?)`)],
      });
    });

    test("refuses a value of the wrong type", async () => {
      expect(await failure({ ...fine, [name]: value })).toMatchObject({
        code: "CONFIG_INVALID",
        problems: [expect.stringContaining(said)],
      });
    });

    test("tells two mistakes in one error", async () => {
      const error = await failure({ ...fine, [name]: value, zzz: 1 });
      expect(error).toMatchObject({
        problems: expect.arrayContaining([
          expect.stringContaining(said),
          expect.stringMatching(/zzz: is no option \(there are: .+\)/),
        ]),
      });
    });
  },
);

test("mistakes of several groups come in one error", async () => {
  const options = {
    source: "not a uri",
    broker: { url: undefined, transports: {} },
    store: memoryStore(),
    publish: { deadlineMs: -1 },
    relay: { batchSize: 0, laesMs: 1 },
    telemetry: { baggage: 1 },
    logger: console.log,
    clock: {},
    requires: "replay",
  };
  expect(await refusal(() => createMessaging(options as never))).toMatchObject({
    problems: [
      "source: must be a URI-reference of RFC 3986",
      "broker.url: is not set. Is the environment variable it comes from defined?",
      "requires: must be an array of names of capabilities",
      "publish.deadlineMs: must be more than 0 milliseconds",
      "telemetry.baggage: must be an array of names",
      "logger: must have debug, info, warn and error",
      "clock: must have now, monotonicMs and schedule",
      "relay.laesMs: is no option (did you mean 'leaseMs'?)",
      "relay.batchSize: must be a whole number from 1 to 10,000",
    ],
  });
});

const plain = (call: unknown): ((...given: readonly unknown[]) => unknown) => call as never;

const calls: readonly (readonly [string, (given: unknown) => unknown])[] = [
  ["memoryDriver", (given) => plain(memoryDriver)(given)],
  ["defineCatalog", (given) => plain(defineCatalog)(given)],
  ["upcastFrom", (given) => plain(upcastFrom)(given, (old: unknown) => old)],
  ["upcastFromType", (given) => plain(upcastFromType)("a.b.v1", given)],
  ["onError", (given) => plain(onError)(given, "retry")],
  ["the action of onError", (given) => plain(onError)(Error, given)],
  ["on", (given) => plain(defineConsumer("g").on)(given, () => {})],
  ["the handler of on", (given) => plain(defineConsumer("g").on)(Ticked, given)],
  ["onEach", (given) => plain(defineConsumer("g").onEach)(given, () => {})],
  ["exhaustive", (given) => plain(defineConsumer("g").exhaustive)(given)],
  ["publish", async (given) => plain((await outgoing()).publish)(given)],
  ["publishBatch", async (given) => plain((await outgoing()).publishBatch)(given)],
  ["forward", async (given) => plain((await outgoing()).forward)(given)],
  ["consume", async (given) => plain((await outgoing()).consume)(given)],
  ["consumeDeadLetters", async (given) => plain((await outgoing()).consumeDeadLetters)(given, () => {})],
  ["its handler", async (given) => plain((await outgoing()).consumeDeadLetters)("g", given)],
  ["relay: anything but options", async (given) => onStore({ relay: given ?? 0 })],
  ["unitOfWork().run", async (given) => plain((await onStore({})).unitOfWork().run)(given)],
  [
    "the options of a unit",
    async (given) => plain((await onStore({})).unitOfWork().run)(async () => {}, given ?? 0),
  ],
  ["outbox.add", async (given) => inTransaction((outbox, tx) => plain(outbox.add)(tx, given))],
];

describe.each(calls)("%s", (_, call) => {
  test.each([undefined, null, 5, true])("refuses %j with an error of the table", async (given) => {
    const error = await refusal(() => call(given));
    expect(isMessagingError(error)).toBe(true);
  });
});

/** What a call throws or rejects with; undefined when it goes well. */
async function refusal(call: () => unknown): Promise<unknown> {
  try {
    const done = await call();
    if (typeof done === "object" && done !== null && "health" in done && "publish" in done)
      await (done as unknown as { close(): Promise<void> }).close();
    return undefined;
  } catch (error) {
    return error;
  }
}

async function onStore(options: object) {
  return serviceOn(here, { store: storeOn(here), ...options });
}

async function inTransaction(
  work: (outbox: Awaited<ReturnType<typeof serviceOn>>["outbox"], tx: unknown) => unknown,
): Promise<void> {
  const store = storeOn(here);
  const messaging = await serviceOn(here, { store });
  await store.transaction(async (tx) => void (await work(messaging.outbox, tx)));
}
