import {
  createMessaging,
  memory,
  memoryBroker,
  memoryDriver,
  type MessagingError,
  type MessagingErrorOptions,
} from "@postrider/core";
import { expect, onTestFinished, test } from "vitest";
import { kindOfUrl } from "../../src/broker/schemes.ts";
import { recordingLogger } from "../support/recorder.ts";

const source = "/test";
const logger = recordingLogger();

/** What createMessaging fails with. */
async function failure(broker: unknown): Promise<MessagingError> {
  const started = createMessaging({ source, broker: broker as never, logger });
  return started.then(
    (messaging) => {
      onTestFinished(() => messaging.close());
      throw new Error("it started");
    },
    (error: unknown) => error as MessagingError,
  );
}

test("a broker is chosen by its URL, by its kind, or given as it is", async () => {
  const shared = memoryBroker();
  const transports = { memory: async () => ({ transport: memoryDriver(shared) }) };
  for (const broker of [
    { url: "memory://", transports },
    { kind: "memory" as const, options: {}, transports },
    memory({ broker: shared }),
  ]) {
    const messaging = await createMessaging({ source, broker, logger });
    expect(messaging.capabilities.transport).toBe("memory");
    expect(await messaging.health()).toMatchObject({ ok: true, broker: { state: "ready" }, consumers: [] });
    await messaging.close();
    expect(await messaging.health()).toMatchObject({ ok: false, broker: { state: "closed" } });
  }
});

test("the block of options beside the URL goes to the driver of its kind, and blocks of others may stand there", async () => {
  const transports = {
    memory: async () => ({ transport: memoryDriver(memoryBroker()) }),
    rabbitmq: () => Promise.reject(new Error("it is not loaded when it is not in use")),
  };
  const error = await failure({
    url: "memory://",
    transports,
    memory: { missingChannel: "maybe" },
    rabbitmq: { x: 1 },
  });
  expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining("missingChannel") });
});

const loader = () =>
  Promise.reject(new Error("Cannot find package '@postrider/rabbitmq' imported from /app/main.js"));

const choices: readonly (readonly [
  string,
  unknown,
  MessagingErrorOptions & { readonly code: string; readonly message: string },
])[] = [
  [
    "a URL that is not set",
    { url: undefined, transports: {} },
    {
      code: "CONFIG_INVALID",
      message: "createMessaging: broker.url: is not set. Is the environment variable it comes from defined?",
    },
  ],
  [
    "an empty URL",
    { url: "", transports: {} },
    {
      code: "CONFIG_INVALID",
      message: "createMessaging: broker.url: is not set. Is the environment variable it comes from defined?",
    },
  ],
  [
    "a URL without a scheme",
    { url: "user:secret@host", transports: { rabbitmq: loader } },
    {
      code: "CONFIG_INVALID",
      message: "createMessaging: broker.url: must begin with a scheme (amqp://, amqps://)",
    },
  ],
  [
    "a host and a port",
    { url: "localhost:5672", transports: {} },
    { code: "CONFIG_INVALID", message: "createMessaging: broker.url: must begin with a scheme" },
  ],
  [
    "an unknown scheme",
    { url: "carrier-pigeon://user:secret@roof", transports: { rabbitmq: loader, kafka: loader } },
    {
      code: "CONFIG_TRANSPORT_UNKNOWN",
      message:
        "No loader is given for 'carrier-pigeon'; transports has: rabbitmq, kafka. It is no scheme or kind of ours: a transport of your own is given by its kind, or as it is.",
      context: { kind: "carrier-pigeon" },
    },
  ],
  [
    "a misspelled scheme",
    { url: "ampq://user:secret@host", transports: { rabbitmq: loader } },
    {
      code: "CONFIG_TRANSPORT_UNKNOWN",
      message: "No loader is given for 'ampq'; transports has: rabbitmq. Did you mean 'amqp'?",
    },
  ],
  [
    "the broker in memory without its loader",
    { url: "memory://", transports: { rabbitmq: loader } },
    {
      code: "CONFIG_TRANSPORT_UNKNOWN",
      message:
        "No loader is given for 'memory'; transports has: rabbitmq. Add memory: async () => ({ transport: memoryTransport }), or pass memory().",
    },
  ],
  [
    "a scheme whose loader is missing",
    { url: "amqp://user:secret@host", transports: {} },
    {
      code: "CONFIG_TRANSPORT_UNKNOWN",
      message:
        "No loader is given for 'rabbitmq'; transports has: none. Add rabbitmq: () => import(\"@postrider/rabbitmq\").",
    },
  ],
  [
    "a scheme that is a name of Object's",
    { url: "constructor://host", transports: {} },
    { code: "CONFIG_TRANSPORT_UNKNOWN", message: expect.stringContaining("'constructor'") as never },
  ],
  [
    "a kind whose loader is missing",
    { kind: "kafak", options: {}, transports: { kafka: loader } },
    { code: "CONFIG_TRANSPORT_UNKNOWN", message: expect.stringContaining("transports has: kafka") as never },
  ],
  [
    "a package that is not installed",
    { url: "amqps://user:secret@host", transports: { rabbitmq: loader } },
    {
      code: "CONFIG_TRANSPORT_NOT_INSTALLED",
      message:
        "The transport 'rabbitmq' could not be loaded (Cannot find package '@postrider/rabbitmq' imported from /app/main.js). Is its package installed?",
    },
  ],
  [
    "a module without a transport",
    { url: "nats://user:secret@host", transports: { nats: async () => ({}) } },
    {
      code: "CONFIG_TRANSPORT_UNKNOWN",
      message: "What was loaded for 'nats' exports no 'transport' driver.",
    },
  ],
  [
    "a module that is nothing",
    { url: "nats://host", transports: { nats: async () => undefined } },
    {
      code: "CONFIG_TRANSPORT_UNKNOWN",
      message: "What was loaded for 'nats' exports no 'transport' driver.",
    },
  ],
  [
    "a URL as the broker",
    "amqp://user:secret@host",
    {
      code: "CONFIG_INVALID",
      message: expect.stringMatching(/^createMessaging: broker: takes a transport such as/) as never,
    },
  ],
  [
    "a URL without transports",
    { url: "amqp://user:secret@host" },
    {
      code: "CONFIG_INVALID",
      message: expect.stringMatching(/^createMessaging: broker: takes a transport such as/) as never,
    },
  ],
];

test.each(choices)(
  "%s is refused, with the next step and without credentials",
  async (_, broker, expected) => {
    const error = await failure(broker);
    expect(error).toMatchObject({ ...expected, retryable: false });
    expect(`${error.message} ${JSON.stringify(error.context)}`).not.toContain("secret");
  },
);

test.each([
  ["amqp://a,b/vhost", "rabbitmq"],
  ["AMQPS://a", "rabbitmq"],
  ["kafka://a:9092,b:9092", "kafka"],
  ["nats://a", "nats"],
  ["tls://a", "nats"],
  ["redis://a", "redis"],
  ["rediss://a", "redis"],
  ["memory:", "memory"],
  ["memory://", "memory"],
  ["pulsar+ssl://a", "pulsar+ssl"],
  ["localhost:5672", undefined],
  ["//host", undefined],
  ["", undefined],
])("the URL %s is one of %s", (url, kind) => {
  expect(kindOfUrl(url)).toBe(kind);
});
