// A schema of its own for one run: the store's tables, and those of the business that is tortured.
import { postgres } from "@postrider/postgres";
import { Client, Pool } from "pg";
import { up } from "../services/index.mjs";

/** So many aggregates share the writers, so that most transactions have to wait for a lock. */
export const aggregates = 12;

/** @returns {Promise<string>} DATABASE_URL, or the address of a server that is started when it is not up */
export async function databaseUrl() {
  const given = process.env["DATABASE_URL"];
  if (given !== undefined && given !== "") return given;
  const [server] = await up(["postgres"]);
  if (server?.ok === true) return server.url;
  throw new Error(`There is no PostgreSQL: ${server?.error?.message ?? "it could not be started"}`);
}

/**
 * @param {string} connectionString @param {number} connections
 * @param {"poll" | "notify"} mode
 */
export async function openDatabase(connectionString, connections, mode) {
  const schema = `torture_${process.pid}_${Date.now()}`;
  const pool = new Pool({ connectionString, max: connections });
  const store = postgres({ pool, schema, connection: connectionOf(mode, connectionString) });
  await store.migrate();
  await pool.query(`
    CREATE TABLE "${schema}".aggregate (key text PRIMARY KEY, version integer NOT NULL);
    CREATE TABLE "${schema}".change (id text PRIMARY KEY);
    CREATE SEQUENCE "${schema}".attempt;
    CREATE TABLE "${schema}".last_seen (position bigint NOT NULL);
    INSERT INTO "${schema}".last_seen VALUES (0);
    INSERT INTO "${schema}".aggregate SELECT 'k' || n, 0 FROM generate_series(1, ${aggregates}) AS n`);
  return {
    schema,
    pool,
    store,
    /** Rows that no relay has sent yet. */
    waiting: async () => {
      const { rows } = await pool.query(
        `SELECT (SELECT count(*) FROM "${schema}".outbox_event) + (SELECT count(*) FROM "${schema}".outbox_parked) AS rows`,
      );
      return Number(rows[0].rows);
    },
    close: async () => {
      await store.close();
      await pool.query(`DROP SCHEMA "${schema}" CASCADE`);
      await pool.end();
    },
  };
}

/**
 * @param {string} mode @param {string} connectionString
 * @returns {(() => Client) | undefined} what the store is given for NOTIFY and LISTEN
 */
export function connectionOf(mode, connectionString) {
  return mode === "notify" ? () => new Client(connectionString) : undefined;
}
