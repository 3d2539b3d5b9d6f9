import { serverUrl } from "@postrider/test-servers";
import { expect, test } from "vitest";
import { ownDatabase } from "./support/own-database.ts";
import { lastLine, runMain } from "./support/run-main.ts";

const limitMs = 240_000;

test(
  "on RabbitMQ and PostgreSQL, each service in a process of its own: nothing is lost, and each order has one effect",
  async () => {
    const env = { BROKER_URL: serverUrl("rabbitmq"), DATABASE_URL: await ownDatabase() };
    const ended = await runMain(["--orders", "120", "--json"], env);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: "" });
    expect(lastLine(ended)).toMatchObject({
      broker: "rabbitmq",
      store: "postgres",
      placed: 120,
      published: 120,
      duplicatesInjected: 12,
      duplicatesDropped: 12,
      deadLettered: 1,
      effects: 120,
      lost: 0,
      kills: 0,
    });
  },
  limitMs,
);

test(
  "with the relays' process killed four times on the way: nothing is lost, and each order has one effect",
  async () => {
    const env = { BROKER_URL: serverUrl("rabbitmq"), DATABASE_URL: await ownDatabase() };
    const ended = await runMain(["--orders", "400", "--kill-relay", "--json"], env);
    expect({ code: ended.code, stderr: ended.stderr }).toMatchObject({ code: 0 });
    expect(lastLine(ended)).toMatchObject({
      broker: "rabbitmq",
      store: "postgres",
      placed: 400,
      published: 400,
      deadLettered: 1,
      effects: 400,
      lost: 0,
      kills: 4,
    });
  },
  limitMs,
);

test.each([
  [{}, "set BROKER_URL and DATABASE_URL"],
  [{ BROKER_URL: "amqp://127.0.0.1:1" }, "set DATABASE_URL"],
  [{ DATABASE_URL: "postgres://127.0.0.1:1/none" }, "set BROKER_URL"],
])("killing the relays with %j alone is refused: they are not a process of their own", async (env, said) => {
  const ended = await runMain(["--orders", "100", "--kill-relay"], env);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toMatch(/^--kill-relay kills [^\n]+\n$/);
  expect(ended.stderr).toContain(said);
});
