import { UsageError } from "./usage-error.ts";

/** What the services run on. Plain data: it is handed to child processes as it is. */
export interface Choice {
  readonly broker: BrokerChoice;
  readonly database: DatabaseChoice;
}

export interface BrokerChoice {
  readonly kind: "memory" | "rabbitmq" | "redis";
  readonly url: string;
}

export type DatabaseChoice =
  | { readonly kind: "pglite" }
  | { readonly kind: "postgres"; readonly url: string };

const brokers: Readonly<Record<string, BrokerChoice["kind"]>> = {
  memory: "memory",
  amqp: "rabbitmq",
  amqps: "rabbitmq",
  redis: "redis",
  rediss: "redis",
};
const brokersToCome: ReadonlySet<string> = new Set(["kafka", "nats", "tls"]);
const databasesToCome: ReadonlySet<string> = new Set(["mysql", "mariadb", "sqlite", "file"]);

/** Broker and database by BROKER_URL and DATABASE_URL; without them everything is embedded in this process. */
export function choose(env: Readonly<Record<string, string | undefined>>): Choice {
  return { broker: chooseBroker(env["BROKER_URL"]), database: chooseDatabase(env["DATABASE_URL"]) };
}

function chooseBroker(url: string | undefined): BrokerChoice {
  if (url === undefined || url === "") return { kind: "memory", url: "memory://" };
  const scheme = schemeOf("BROKER_URL", url, "amqp://");
  const kind = Object.hasOwn(brokers, scheme) ? brokers[scheme] : undefined;
  if (kind !== undefined) return { kind, url };
  if (brokersToCome.has(scheme)) throw notHereYet("BROKER_URL", scheme, "the broker in memory");
  throw new UsageError(
    `BROKER_URL: there is no broker for ${scheme}://. Known: ${Object.keys(brokers).join("://, ")}://`,
  );
}

function chooseDatabase(url: string | undefined): DatabaseChoice {
  if (url === undefined || url === "") return { kind: "pglite" };
  const scheme = schemeOf("DATABASE_URL", url, "postgres://");
  if (scheme === "postgres" || scheme === "postgresql") return { kind: "postgres", url };
  if (databasesToCome.has(scheme))
    throw notHereYet("DATABASE_URL", scheme, "PGlite, PostgreSQL in this process");
  throw new UsageError(`DATABASE_URL: there is no store for ${scheme}://. Known: postgres://, postgresql://`);
}

function notHereYet(variable: string, scheme: string, instead: string): UsageError {
  return new UsageError(
    `${variable}: the package for ${scheme}:// is not part of this repository yet. Without ${variable} the example runs on ${instead}.`,
  );
}

/** The address itself is never repeated: it may hold a password. */
function schemeOf(variable: string, url: string, known: string): string {
  // `memory:` is enough of an address for what has none.
  const scheme = /^(?:([a-z][a-z0-9+.-]*):\/\/|(memory):$)/i.exec(url)?.slice(1).find(Boolean);
  if (scheme === undefined)
    throw new UsageError(`${variable}: is no address: it must begin with a scheme, as in ${known}`);
  return scheme.toLowerCase();
}
