import { defineEvent, type Logger } from "@postrider/core";
import { postgres, type PostgresStore } from "@postrider/postgres";
import { rabbitmq, type RabbitmqTransport } from "@postrider/rabbitmq";
import { Pool, type PoolClient } from "pg";

/** What each process is told by the test that starts it. */
export interface Place {
  readonly databaseUrl: string;
  readonly schema: string;
  readonly brokerUrl: string;
  /** After this time without a statement the server ends a transaction; undefined for never. */
  readonly idleInTransactionMs?: number | undefined;
}

/** One step of an order: steps of one key have numbers in the order of their commits. */
export interface Step {
  readonly key: string;
  readonly step: number;
}

const stepSchema: {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) => { readonly value: Step } | { readonly issues: readonly { readonly message: string }[] };
    readonly types?: { readonly input: Step; readonly output: Step } | undefined;
  };
} = {
  "~standard": {
    version: 1,
    vendor: "crash-suite",
    validate: (value) => (isStep(value) ? { value } : { issues: [{ message: "must be a step" }] }),
  },
};

export function isStep(value: unknown): value is Step {
  return typeof value === "object" && value !== null && "key" in value && "step" in value;
}

/** `k0:1` */
export function nameOf({ key, step }: Step): string {
  return `${key}:${step}`;
}

const key = (step: Step): string => step.key;
export const Placed = defineEvent("suite.crash.placed.v1", { data: stepSchema, key, channel: "placed" });
/** What the handler of Placed tells others. */
export const Shipped = defineEvent("suite.crash.shipped.v1", { data: stepSchema, key, channel: "shipped" });

/** The consumer group of those who handle Placed. */
export const group = "shipping";

export const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** How long a relay keeps its lease without renewing it. */
export const leaseMs = 1_000;

/** After two of these without a sign of life the broker gives a process up. */
const heartbeatMs = 1_000;

export interface Database {
  readonly pool: Pool;
  readonly store: PostgresStore<PoolClient>;
}

export function openDatabase({ databaseUrl, schema, idleInTransactionMs = 0 }: Place): Database {
  const options = `-c search_path=${schema} -c idle_in_transaction_session_timeout=${idleInTransactionMs}`;
  const pool = new Pool({ connectionString: databaseUrl, max: 24, options });
  return { pool, store: postgres({ pool, schema, statementTimeoutMs: 2_000 }) };
}

export function openBroker({ brokerUrl }: Place): RabbitmqTransport {
  return rabbitmq({ url: brokerUrl, heartbeatMs, maxReconnectDelayMs: 300, partitions: 2 });
}

/** What the test gave, as the one argument of the process. */
export function given<Given extends Place>(): Given {
  const [, , argument] = process.argv;
  if (argument === undefined) throw new Error("This process is started by a test");
  return JSON.parse(argument) as Given;
}

/** `end` on SIGTERM; the process ends when the test has gone, and by itself when nothing is left to do. */
export function untilTold(end: () => Promise<void>): void {
  const alive = setInterval(() => undefined, 60_000);
  process.once("disconnect", () => process.exit(0));
  process.once("SIGTERM", () => {
    clearInterval(alive);
    void end().then(() => {
      process.removeAllListeners("disconnect");
      process.disconnect();
    });
  });
}
