// Which servers there are, and what the words of the command line mean.
import { postgres16, postgres17, postgres18 } from "./embedded-postgres.mjs";
import { kafka } from "./kafka.mjs";
import { mariadb } from "./mariadb.mjs";
import { nats } from "./nats.mjs";
import { postgres } from "./postgres.mjs";
import { rabbitmq } from "./rabbitmq.mjs";
import { redis } from "./redis.mjs";

const usual = [rabbitmq, kafka, nats, redis, postgres, mariadb];
const servers = new Map(
  [...usual, postgres16, postgres17, postgres18].map((server) => [server.name, server]),
);

export const allNames = [...servers.keys()];
export const usualNames = usual.map(({ name }) => name);

/** A name that does not exist; the message lists the ones that do. */
export class UnknownServerError extends Error {
  constructor(name) {
    super(`there is no server "${name}"; there are: ${allNames.join(" ")}`);
    this.name = "UnknownServerError";
  }
}

export function serverNamed(name) {
  const server = servers.get(name);
  if (!server) throw new UnknownServerError(name);
  return server;
}

/** The servers meant by these words, each once: `all` is every one, none means `otherwise`. */
export function selectServers(words, otherwise) {
  const names =
    words.length === 0 ? otherwise : words.flatMap((word) => (word === "all" ? allNames : [word]));
  return [...new Set(names)].map(serverNamed);
}
