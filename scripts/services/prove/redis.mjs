import { Redis } from "ioredis";

export async function prove({ main }, check) {
  const stream = `prove-${Date.now()}`;
  const client = new Redis(main);
  await check("carries a message through a stream and its group", () => roundTrip(client, stream));
  await check("keeps an append-only file, flushed every second", async () => {
    const [, aof] = await client.config("GET", "appendonly");
    const [, fsync] = await client.config("GET", "appendfsync");
    if (aof !== "yes" || fsync !== "everysec") throw new Error(`${aof}, ${fsync}`);
  });
  await check("refuses a client without the password", () => refusesStranger(main));
  await client.del(stream);
  await client.quit();
}

async function roundTrip(client, stream) {
  await client.xgroup("CREATE", stream, "readers", "$", "MKSTREAM");
  const id = await client.xadd(stream, "*", "data", "hello");
  const [[, [[seen, fields]]]] = await client.xreadgroup(
    "GROUP",
    "readers",
    "one",
    "COUNT",
    1,
    "BLOCK",
    2000,
    "STREAMS",
    stream,
    ">",
  );
  if (seen !== id || fields.join() !== "data,hello") throw new Error(`${seen} ${fields}`);
  const [before] = await client.xpending(stream, "readers");
  await client.xack(stream, "readers", id);
  const [after] = await client.xpending(stream, "readers");
  if (before !== 1 || after !== 0) throw new Error(`pending ${before}, then ${after}`);
}

async function refusesStranger(main) {
  const stranger = new URL(main);
  stranger.username = stranger.password = "";
  const client = new Redis(stranger.href, { lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => {});
  try {
    const answer = await client.ping().catch((error) => error);
    if (!(answer instanceof Error)) throw new Error("it was let in");
    return answer.message.split(" ")[0];
  } finally {
    client.disconnect();
  }
}
