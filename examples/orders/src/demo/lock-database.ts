import { UsageError } from "../wiring/usage-error.ts";
import type { DatabaseChoice } from "../wiring/choose.ts";

/** Any number will do, as long as nobody else takes it. */
const lockKey = 7_305_112_026;

/**
 * Keeps other runs out until the returned function is called. The tables and the relay's lease would be shared: the
 * relay of one run would carry the events of the other to its own broker.
 */
export async function lockDatabase(choice: DatabaseChoice): Promise<() => Promise<void>> {
  if (choice.kind === "pglite") return () => Promise.resolve();
  const client = await clientOf(choice.url);
  // A connection that breaks lets the lock go, which the services notice by themselves.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new Error(`DATABASE_URL: the database cannot be reached (${reasonOf(error)})`, { cause: error });
  }
  const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock($1) AS taken", [
    lockKey,
  ]);
  if (rows[0]?.taken === true) return () => client.end();
  await client.end();
  throw new UsageError(
    "DATABASE_URL: another run of this example uses this database. Wait for it, or use another database.",
  );
}

/** The address itself is never repeated: it may hold a password. */
async function clientOf(url: string) {
  const { default: pg } = await import("pg");
  try {
    return new pg.Client({ connectionString: url });
  } catch (error) {
    throw new UsageError(
      "DATABASE_URL: cannot be read: it must look like postgres://user:password@host:5432/database, with %xx for special characters",
      { cause: error },
    );
  }
}

/** Of several addresses that were tried in vain, the first: the error that holds them all has no message. */
function reasonOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message : String(first);
}
