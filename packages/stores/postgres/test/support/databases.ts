import { PGlite } from "@electric-sql/pglite";
import { serverUrl } from "@postrider/test-servers";
import { Pool } from "pg";
import { postgres, type PostgresStore, type PostgresStoreOptions } from "@postrider/postgres";

/** As much of a transaction handle as both databases have. */
export interface TestTx {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

export type Row = Readonly<Record<string, unknown>>;

/** One store in a schema of its own, that goes away with `close`. */
export interface Opened {
  readonly schema: string;
  readonly store: PostgresStore<TestTx>;
  /** One more store on the same tables, as another process would have it. */
  another(options?: Partial<PostgresStoreOptions>): PostgresStore<TestTx>;
  /** A statement outside of every store. */
  sql(text: string, values?: unknown[]): Promise<readonly Row[]>;
  close(): Promise<void>;
}

export interface Database {
  readonly name: string;
  open(schema: string, options?: Partial<PostgresStoreOptions>): Promise<Opened>;
}

export function url(): string {
  return serverUrl("postgres");
}

/** A server, and the name that tests call it by. */
export interface Server extends Database {
  url(): string;
}

export function serverAt(title: string, address: () => string): Server {
  return { name: title, url: address, open: (name, options) => openAt(address(), name, options) };
}

export const server: Server = serverAt("PostgreSQL", url);

async function openAt(
  connectionString: string,
  name: string,
  options: Partial<PostgresStoreOptions> = {},
): Promise<Opened> {
  const schema = `${name}_${process.pid}`;
  const pool = new Pool({ connectionString, max: 20 });
  await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
  const another = (more: Partial<PostgresStoreOptions> = {}): PostgresStore<TestTx> =>
    postgres({ pool, schema, ...options, ...more });
  const store = another();
  await store.migrate();
  return {
    schema,
    store,
    another,
    sql: async (text, values) => (await pool.query<Row>(text, values)).rows,
    close: async () => {
      await store.close();
      await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
      await pool.end();
    },
  };
}

// It starts in seconds, so the tests of one file share one.
const startPglite = (): Promise<PGlite> => (started ??= PGlite.create());
let started: Promise<PGlite> | undefined;

const pglite: Database = {
  name: "PGlite",
  open: async (schema, options = {}) => {
    const database = await startPglite();
    const another = (more: Partial<PostgresStoreOptions> = {}): PostgresStore<TestTx> =>
      postgres({ pglite: database, schema, ...options, ...more });
    const store = another();
    await store.migrate();
    return {
      schema,
      store,
      another,
      sql: async (text, values) => (await database.query<Row>(text, values)).rows,
      close: async () => {
        await store.close();
        await database.exec(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
      },
    };
  },
};

export const databases: readonly Database[] = [server, pglite];
