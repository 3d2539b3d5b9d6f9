import { serverUrl } from "@postrider/test-servers";
import { Client } from "pg";
import { onTestFinished } from "vitest";

/** The address of a database of this test's own on the PostgreSQL server. It is gone when the test ends. */
export async function ownDatabase(): Promise<string> {
  const url = new URL(serverUrl("postgres"));
  const name = `example_orders_${process.pid}`;
  await onServer(url.href, [`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`, `CREATE DATABASE ${name}`]);
  onTestFinished(() => onServer(serverUrl("postgres"), [`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`]));
  url.pathname = `/${name}`;
  return url.href;
}

/** Whether the query finds anything; no, while its tables are not there yet. */
export async function finds(url: string, query: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(query).catch(() => undefined))?.rowCount === 1;
  } finally {
    await client.end();
  }
}

async function onServer(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
