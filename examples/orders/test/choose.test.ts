import { expect, test } from "vitest";
import { choose } from "../src/wiring/choose.ts";
import { UsageError } from "../src/wiring/usage-error.ts";

test("without addresses everything is embedded", () => {
  const embedded = { broker: { kind: "memory", url: "memory://" }, database: { kind: "pglite" } };
  expect(choose({})).toEqual(embedded);
  expect(choose({ BROKER_URL: "", DATABASE_URL: "" })).toEqual(embedded);
});

test.each(["postgres://u@h/d", "postgresql://u@h/d", "POSTGRES://u@h/d"])("%s is PostgreSQL", (url) => {
  expect(choose({ DATABASE_URL: url }).database).toEqual({ kind: "postgres", url });
});

test.each(["amqp://u@h/v", "amqps://u@h"])("%s is RabbitMQ", (url) => {
  expect(choose({ BROKER_URL: url }).broker).toEqual({ kind: "rabbitmq", url });
});

test.each(["redis://u@h/0", "rediss://u@h"])("%s is Redis", (url) => {
  expect(choose({ BROKER_URL: url }).broker).toEqual({ kind: "redis", url });
});

test.each(["kafka", "nats", "tls"])("%s:// is said to be not here yet", (scheme) => {
  const chosen = () => choose({ BROKER_URL: `${scheme}://user:secret@host` });
  expect(chosen).toThrow(UsageError);
  expect(chosen).toThrow(`BROKER_URL: the package for ${scheme}:// is not part of this repository yet`);
  expect(chosen).not.toThrow("secret");
});

test.each([
  [
    "BROKER_URL",
    "mqtt://host",
    "BROKER_URL: there is no broker for mqtt://. Known: memory://, amqp://, amqps://, redis://, rediss://",
  ],
  ["BROKER_URL", "toString://host", "there is no broker for tostring://"],
  ["DATABASE_URL", "oracle://host", "DATABASE_URL: there is no store for oracle://"],
  ["DATABASE_URL", "sqlite://file", "DATABASE_URL: the package for sqlite:// is not part"],
  [
    "DATABASE_URL",
    "localhost:5432",
    "DATABASE_URL: is no address: it must begin with a scheme, as in postgres://",
  ],
  ["BROKER_URL", "localhost", "BROKER_URL: is no address: it must begin with a scheme, as in amqp://"],
])("%s=%s is refused", (variable, url, said) => {
  expect(() => choose({ [variable]: url })).toThrow(said);
});

test("the broker in memory needs no host", () => {
  expect(choose({ BROKER_URL: "memory:" }).broker.kind).toBe("memory");
});
