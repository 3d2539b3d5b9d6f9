import { connect } from "amqplib";
import { until } from "../wait.mjs";

export async function prove({ main, management }, check) {
  const queue = `prove-${Date.now()}`;
  const connection = await connect(main);
  connection.on("error", () => {});
  const channel = await connection.createConfirmChannel();
  await check("declares a quorum queue", async () => {
    await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
  });
  await check("confirms a published message and delivers it", () => roundTrip(channel, queue));
  await check("returns a mandatory message that no queue takes, then confirms it", () => returned(channel));
  await check("redelivers with a count when the consumer gives it back", () => redelivered(channel, queue));
  await check("the management API sees the queue", () => managed(management, queue));
  await check("refuses the world-known account", () => refusesGuest(main));
  await channel.deleteQueue(queue);
  await connection.close();
}

function publish(channel, exchange, key, body, options) {
  return new Promise((resolve, reject) => {
    channel.publish(exchange, key, Buffer.from(body), options, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

async function roundTrip(channel, queue) {
  await publish(channel, "", queue, "hello", { persistent: true, mandatory: true });
  const message = await until(() => channel.get(queue), { what: "the message", timeoutMs: 5000 });
  if (message.content.toString() !== "hello") throw new Error(`got ${message.content}`);
  channel.ack(message);
}

async function returned(channel) {
  const back = new Promise((resolve) => channel.once("return", resolve));
  await publish(channel, "amq.topic", "nobody.listens", "x", { mandatory: true, messageId: "lost" });
  const message = await back;
  if (message.properties.messageId !== "lost") throw new Error("another message came back");
  return message.fields.replyText;
}

async function redelivered(channel, queue) {
  await publish(channel, "", queue, "again", {});
  const first = await until(() => channel.get(queue), { what: "the message", timeoutMs: 5000 });
  channel.nack(first, false, true);
  const second = await until(() => channel.get(queue), { what: "it again", timeoutMs: 5000 });
  channel.ack(second);
  const count = second.properties.headers["x-delivery-count"];
  if (!second.fields.redelivered || count !== 1)
    throw new Error(`redelivered ${second.fields.redelivered}, count ${count}`);
}

async function managed(management, queue) {
  const { origin, username, password } = new URL(management);
  const authorization = `Basic ${btoa(`${username}:${password}`)}`;
  const seen = await until(
    async () => {
      const answer = await fetch(`${origin}/api/queues/%2F/${queue}`, { headers: { authorization } });
      return answer.ok && answer.json();
    },
    { what: "the queue", timeoutMs: 10_000 },
  );
  if (seen.type !== "quorum") throw new Error(`type ${seen.type}`);
}

async function refusesGuest(main) {
  const guest = new URL(main);
  guest.username = guest.password = "guest";
  const error = await connect(guest.href).then(
    async (connection) => connection.close(),
    (refusal) => refusal,
  );
  if (!error) throw new Error("guest was let in");
}
