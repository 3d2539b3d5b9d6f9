import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

export async function prove({ main }, check) {
  const stream = `prove-${Date.now()}`;
  const subject = `${stream}.one`;
  const connection = await connect({ servers: main });
  const admin = await jetstreamManager(connection);
  const js = jetstream(connection);
  await check("creates a stream in files and a durable consumer", async () => {
    await admin.streams.add({ name: stream, subjects: [`${stream}.>`], storage: "file" });
    await admin.consumers.add(stream, { durable_name: "reader", ack_policy: AckPolicy.Explicit });
    const { config } = await admin.streams.info(stream);
    return config.storage;
  });
  await check("stores a message once per id", async () => {
    const first = await js.publish(subject, "hello", { msgID: "a" });
    const second = await js.publish(subject, "hello", { msgID: "a" });
    if (first.duplicate || !second.duplicate)
      throw new Error(`duplicate: ${first.duplicate}, ${second.duplicate}`);
  });
  await check("delivers to the durable consumer, again after a nak, and no more after an ack", () =>
    consume(js, admin, stream),
  );
  await admin.streams.delete(stream);
  await connection.close();
}

async function consume(js, admin, stream) {
  const consumer = await js.consumers.get(stream, "reader");
  const first = await consumer.next({ expires: 5000 });
  first.nak();
  const second = await consumer.next({ expires: 5000 });
  if (second.string() !== "hello" || second.info.deliveryCount !== 2)
    throw new Error(`count ${second.info.deliveryCount}`);
  await second.ackAck();
  const { num_pending: pending, num_ack_pending: unacked } = await admin.consumers.info(stream, "reader");
  if (pending + unacked !== 0) throw new Error(`${pending} pending, ${unacked} not acknowledged`);
}
