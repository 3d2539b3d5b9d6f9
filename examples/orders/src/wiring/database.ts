import { postgres, type PostgresStore } from "@postrider/postgres";
import type { DatabaseChoice } from "./choose.ts";
import type { Closers } from "./closers.ts";

/** What `pg` and PGlite have in common, transactions of both included: all the SQL of this example needs no more. */
export interface Sql {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

/** The database of one service. */
export interface Database extends Sql {
  /** Outbox and inbox, beside the service's own tables. */
  readonly store: PostgresStore<Sql>;
  /** Brings the store's tables and the service's own up to date. */
  prepare(tables: string): Promise<void>;
}

/**
 * A database for each service, since services do not share tables: a PGlite of its own, or a schema of its own on a
 * PostgreSQL server. Closed with `opened`.
 */
export async function openDatabases<Service extends string>(
  choice: DatabaseChoice,
  services: readonly Service[],
  opened: Closers,
): Promise<Record<Service, Database>> {
  const all =
    choice.kind === "pglite"
      ? await openPglites(services, opened)
      : await openSchemas(choice.url, services, opened);
  return Object.fromEntries(all) as Record<Service, Database>;
}

/** Where the tables of a service stand on a PostgreSQL server. */
export function schemaOf(service: string): string {
  return `example_${service}`;
}

type Named<Service> = readonly (readonly [Service, Database])[];

/** Making a new one takes seconds, of which a copy of an empty one takes a fifth. */
async function openPglites<Service>(services: readonly Service[], opened: Closers): Promise<Named<Service>> {
  const { PGlite } = await import("@electric-sql/pglite");
  const first = await PGlite.create();
  opened.add(() => first.close());
  const all: [Service, Database][] = [];
  for (const [index, service] of services.entries()) {
    const pglite =
      index === 0 ? first : await PGlite.create({ loadDataDir: await first.dumpDataDir("none") });
    if (pglite !== first) opened.add(() => pglite.close());
    const store = postgres({ pglite });
    opened.add(store.close);
    all.push([
      service,
      databaseOf(
        store,
        (text, values) => pglite.query(text, values),
        (sql) => pglite.exec(sql),
      ),
    ]);
  }
  return all;
}

async function openSchemas<Service extends string>(
  url: string,
  services: readonly Service[],
  opened: Closers,
): Promise<Named<Service>> {
  const { Pool } = await import("pg");
  return services.map((service) => {
    const schema = schemaOf(service);
    // Handlers at work at once, the relay, and what this example asks on the side.
    const pool = new Pool({ connectionString: url, max: 12, options: `-c search_path=${schema}` });
    opened.add(() => pool.end());
    const store = postgres({ pool, schema });
    opened.add(store.close);
    return [
      service,
      databaseOf(
        store,
        (text, values) => pool.query(text, values),
        (sql) => pool.query(sql),
      ),
    ];
  });
}

function databaseOf(
  store: PostgresStore<Sql>,
  query: Sql["query"],
  script: (sql: string) => Promise<unknown>,
): Database {
  return {
    store,
    query,
    prepare: async (tables) => {
      await store.migrate();
      await script(tables);
    },
  };
}
