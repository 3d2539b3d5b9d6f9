import {
  createMessaging,
  memory,
  memoryStore,
  MessagingError,
  type CapabilityName,
  type Transport,
} from "@postrider/core";
import { fakeClock } from "@postrider/core/testing";
import { expect, test } from "vitest";
import { failureOf } from "../support/failure.ts";
import { recordingLogger } from "../support/recorder.ts";

/** A transport whose first connects fail with this code. */
function failing(code: ConstructorParameters<typeof MessagingError>[0], times: number) {
  const clock = fakeClock();
  const logger = recordingLogger();
  const log: string[] = [];
  let left = times;
  const real = memory({ clock });
  const transport: Transport = {
    ...real,
    connect: async () => {
      log.push(`connect at ${clock.monotonicMs()}`);
      if ((left -= 1) >= 0) throw new MessagingError(code, "no");
      await real.connect();
    },
    close: async () => {
      log.push("close");
      await real.close();
    },
  };
  return { clock, logger, log, transport };
}

test("54. without startRetryMs the first failure ends the start, and nothing is left open", async () => {
  const { clock, logger, log, transport } = failing("TRANSPORT_UNAVAILABLE", 1);
  const starting = createMessaging({ source: "/test", broker: transport, clock, logger });
  await expect(starting).rejects.toMatchObject({ code: "TRANSPORT_UNAVAILABLE", retryable: true });
  expect(log).toEqual(["connect at 0", "close"]);
  expect(clock.pendingTimers()).toBe(0);
});

test("54. with startRetryMs a broker that can come is tried again, with growing waits, and the start succeeds", async () => {
  const { clock, logger, log, transport } = failing("TRANSPORT_UNAVAILABLE", 4);
  const starting = createMessaging({
    source: "/test",
    broker: transport,
    clock,
    logger,
    startRetryMs: 10_000,
  });
  await clock.advance(10_000);
  const messaging = await starting;
  expect(log).toEqual([
    "connect at 0",
    "connect at 200",
    "connect at 600",
    "connect at 1400",
    "connect at 3000",
  ]);
  expect(logger.lines.map(({ level, message }) => [level, message])).toEqual(
    Array.from({ length: 4 }, () => ["warn", "The start is tried again"]),
  );
  await messaging.close();
});

test("54. when startRetryMs is over the last error ends the start, and nothing is left open", async () => {
  const { clock, logger, log, transport } = failing("TRANSPORT_UNAVAILABLE", 99);
  const starting = createMessaging({
    source: "/test",
    broker: transport,
    clock,
    logger,
    startRetryMs: 1_000,
  });
  const failure = failureOf(starting);
  await clock.advance(60_000);
  expect(await failure).toMatchObject({ code: "TRANSPORT_UNAVAILABLE" });
  expect(log).toEqual(["connect at 0", "connect at 200", "connect at 600", "close"]);
});

test("54. wrong credentials end the start at once, however long it may try", async () => {
  const { clock, logger, log, transport } = failing("TRANSPORT_ACCESS_REFUSED", 99);
  const starting = createMessaging({
    source: "/test",
    broker: transport,
    clock,
    logger,
    startRetryMs: 60_000,
  });
  await expect(starting).rejects.toMatchObject({ code: "TRANSPORT_ACCESS_REFUSED", retryable: false });
  expect(log).toEqual(["connect at 0", "close"]);
});

test("54. a database without its tables ends the start before the broker is asked, and the broker is not left open", async () => {
  const { clock, logger, log, transport } = failing("TRANSPORT_UNAVAILABLE", 0);
  const store = {
    ...memoryStore({ clock }),
    assertSchema: () => Promise.reject(new MessagingError("STORE_SCHEMA_MISSING", "run migrate()")),
  };
  const starting = createMessaging({
    source: "/test",
    broker: transport,
    store,
    clock,
    logger,
    startRetryMs: 60_000,
  });
  await expect(starting).rejects.toMatchObject({ code: "STORE_SCHEMA_MISSING" });
  expect(log).toEqual(["close"]);
  expect(clock.pendingTimers()).toBe(0);
});

test("a database that is away at the start is tried again, too", async () => {
  const { clock, logger, transport } = failing("TRANSPORT_UNAVAILABLE", 0);
  let away = 2;
  const store = {
    ...memoryStore({ clock }),
    assertSchema: () =>
      (away -= 1) >= 0 ? Promise.reject(new MessagingError("STORE_UNAVAILABLE", "away")) : Promise.resolve(),
  };
  const starting = createMessaging({
    source: "/test",
    broker: transport,
    store,
    clock,
    logger,
    startRetryMs: 60_000,
  });
  await clock.advance(1_000);
  const messaging = await starting;
  expect((await messaging.health()).ok).toBe(true);
  await messaging.close();
});

const missing: readonly CapabilityName[] = [
  "nativeDeadLetter",
  "leaseExtension",
  "nativeDedupeWindowMs",
  "wildcards",
];

test.each(missing)(
  "what `requires` names and the broker lacks (%s) ends the start, named, and closes the broker",
  async (name) => {
    const { clock, logger, log, transport } = failing("TRANSPORT_UNAVAILABLE", 0);
    const starting = createMessaging({
      source: "/test",
      broker: transport,
      clock,
      logger,
      requires: [name] as never,
    });
    await expect(starting).rejects.toMatchObject({
      code: "CONFIG_CAPABILITY_MISSING",
      message: `memory cannot do what createMessaging({ requires }) asks for (capability '${name}').`,
      context: { transport: "memory", capability: name, askedBy: "createMessaging({ requires })" },
    });
    expect(log.at(-1)).toBe("close");
  },
);

test("what `requires` names and the broker has lets it start; a name that does not exist is refused as such", async () => {
  const { clock, logger, transport } = failing("TRANSPORT_UNAVAILABLE", 0);
  const messaging = await createMessaging({
    source: "/test",
    broker: transport,
    clock,
    logger,
    requires: ["nativeDelay", "replay", "orderingScope"],
  });
  await messaging.close();
  const wrong = createMessaging({
    source: "/test",
    broker: memory(),
    clock,
    logger,
    requires: ["nativeDelays", "teleportation", "toString"] as never,
  });
  await expect(wrong).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    problems: [
      "requires: 'nativeDelays' is no capability (did you mean 'nativeDelay'?)",
      expect.stringMatching(/^requires: 'teleportation' is no capability \(there are: orderingScope, /),
      expect.stringMatching(/^requires: 'toString' is no capability/),
    ],
  });
});
