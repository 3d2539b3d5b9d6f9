import { Kafka, logLevel } from "kafkajs";
import { until } from "../wait.mjs";

const partitions = [0, 1, 2, 3];
const total = 200;

export async function prove({ main }, check) {
  const suffix = `${Date.now()}`;
  const topic = `prove-${suffix}`;
  const kafka = new Kafka({
    clientId: "prove",
    brokers: [new URL(main).host],
    logLevel: logLevel.NOTHING,
    retry: { retries: 5, initialRetryTime: 100 },
  });
  const admin = kafka.admin();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await check("admin creates a topic of 4 partitions", async () => {
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions: 4, replicationFactor: 1 }],
    });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return `${topics[0].partitions.length} partitions`;
  });
  await check("a topic is not created by producing to it", () => refusesUnknownTopic(producer, suffix));
  const members = [createMember(kafka, topic), createMember(kafka, topic)];
  try {
    await check("two consumers of a group share the partitions after a rebalance", () => join(members));
    await check("every message is consumed once, by one of the two", () =>
      consumeAll(producer, topic, members),
    );
    await check("when one leaves, the other takes all partitions", () => leave(members));
  } finally {
    await Promise.all(members.map((member) => member.stop()));
    await producer.disconnect();
  }
  await check("an idempotent producer is acknowledged", () => produceIdempotently(kafka, topic));
  await check("a transaction commits and aborts, offsets included", () => transact(kafka, admin, suffix));
  await check("admin reads offsets and deletes the topic", async () => {
    const offsets = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
    const committed = offsets[0].partitions.reduce((sum, { offset }) => sum + Number(offset), 0);
    if (committed !== total) throw new Error(`${committed} committed, not ${total}`);
    await admin.deleteGroups([topic]);
    await admin.deleteTopics({ topics: [topic] });
  });
  await admin.disconnect();
}

function createMember(kafka, topic) {
  const consumer = kafka.consumer({
    groupId: topic,
    sessionTimeout: 10_000,
    heartbeatInterval: 1000,
    maxWaitTimeInMs: 500,
  });
  const member = {
    assigned: [],
    joins: 0,
    seen: [],
    async start() {
      await consumer.connect();
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        member.joins++;
        member.assigned = payload.memberAssignment[topic] ?? [];
      });
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message }) => void member.seen.push(message.value.toString()),
      });
    },
    stop: () => consumer.disconnect(),
  };
  return member;
}

async function join([first, second]) {
  await first.start();
  await until(() => first.assigned.length === 4, { what: "the first one alone", timeoutMs: 20_000 });
  await second.start();
  const shared = () => first.assigned.length === 2 && second.assigned.length === 2;
  await until(shared, { what: "two each", timeoutMs: 30_000 });
  const all = [...first.assigned, ...second.assigned].sort();
  if (all.join() !== partitions.join()) throw new Error(`assigned: ${all}`);
  return `${first.assigned} and ${second.assigned}, the first one joined ${first.joins} times`;
}

async function consumeAll(producer, topic, members) {
  const sent = Array.from({ length: total }, (_, index) => `m${index}`);
  const messages = sent.map((value, index) => ({ key: `k${index % 20}`, value, partition: index % 4 }));
  await producer.send({ topic, messages });
  const seen = () => members.flatMap((member) => member.seen);
  await until(() => seen().length >= total, { what: `${total} messages`, timeoutMs: 30_000 });
  if (new Set(seen()).size !== total || seen().length !== total) throw new Error(`${seen().length} seen`);
  if (members.some((member) => member.seen.length !== total / 2)) throw new Error("not half each");
  return members.map((member) => member.seen.length).join(" + ");
}

async function leave([first, second]) {
  await second.stop();
  await until(() => first.assigned.length === 4, { what: "all four", timeoutMs: 30_000 });
}

async function refusesUnknownTopic(producer, suffix) {
  await producer.connect();
  const refused = await producer.send({ topic: `absent-${suffix}`, messages: [{ value: "x" }] }).then(
    () => undefined,
    (error) => error.message,
  );
  if (!refused) throw new Error("it was accepted");
  return refused;
}

async function produceIdempotently(kafka, topic) {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  try {
    const offsets = [];
    for (let batch = 0; batch < 5; batch++) {
      const [answer] = await producer.send({
        topic,
        messages: [
          { partition: 0, value: "a" },
          { partition: 0, value: "b" },
        ],
      });
      offsets.push(Number(answer.baseOffset));
    }
    if (offsets.some((offset, index) => index > 0 && offset !== offsets[index - 1] + 2))
      throw new Error(`offsets ${offsets}`);
    return `base offsets ${offsets}`;
  } finally {
    await producer.disconnect();
  }
}

async function transact(kafka, admin, suffix) {
  const topic = `prove-tx-${suffix}`;
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions: 1, replicationFactor: 1 }],
  });
  const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (const ending of ["abort", "commit"]) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: ending }] });
    if (ending === "commit")
      await transaction.sendOffsets({
        consumerGroupId: topic,
        topics: [{ topic, partitions: [{ partition: 0, offset: "1" }] }],
      });
    await transaction[ending]();
  }
  await producer.disconnect();
  const seen = await readCommitted(kafka, topic);
  const [{ partitions: offsets }] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
  await admin.deleteTopics({ topics: [topic] });
  if (seen.join() !== "commit" || offsets[0].offset !== "1")
    throw new Error(`seen ${seen}, offset ${offsets[0].offset}`);
  return "the aborted record is invisible";
}

async function readCommitted(kafka, topic) {
  const consumer = kafka.consumer({
    groupId: `${topic}-reader`,
    readUncommitted: false,
    maxWaitTimeInMs: 500,
  });
  const seen = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(message.value.toString()) });
  await until(() => seen.includes("commit"), { what: "the committed record", timeoutMs: 30_000 });
  await consumer.disconnect();
  return seen;
}
