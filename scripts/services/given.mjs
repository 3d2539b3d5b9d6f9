// Servers that are not ours: one given in the environment, or one found on its usual port. For `npm start`, never for tests.
import { isOpen } from "./wire.mjs";

/** The environment variable that gives a server: POSTRIDER_REDIS_URL. */
export function variableOf(name) {
  return `POSTRIDER_${name.toUpperCase()}_URL`;
}

export function givenUrl(name) {
  return process.env[variableOf(name)] || undefined;
}

/** The URL of a server of this kind that answers on its usual port of this machine, with its usual account. */
export async function foundUrl({ usual, ready }) {
  if (!usual) return undefined;
  try {
    await ready({ ports: { main: usual.port }, found: true });
    return usual.url;
  } catch {
    return undefined;
  }
}

const usualPorts = {
  "amqp:": 5672,
  "amqps:": 5671,
  "kafka:": 9092,
  "nats:": 4222,
  "tls:": 4222,
  "redis:": 6379,
  "rediss:": 6379,
  "postgresql:": 5432,
  "postgres:": 5432,
  "mysql:": 3306,
  "mariadb:": 3306,
};

/** Whether the given server's port is open. Of a list, the first address is tried. */
export async function reach(address) {
  const first = address.split(",")[0];
  if (!URL.canParse(first)) return "unreachable";
  const { hostname, port, protocol } = new URL(first);
  const at = Number(port) || usualPorts[protocol];
  return at && hostname && (await isOpen(at, hostname)) ? "up" : "unreachable";
}
