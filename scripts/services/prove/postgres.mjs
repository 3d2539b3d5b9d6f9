import pg from "pg";

export async function prove({ main }, check) {
  const name = `prove_${Date.now()}`;
  const client = new pg.Client({ connectionString: main });
  await client.connect();
  const value = async (text) => Object.values((await client.query(text)).rows[0])[0];
  await check("is set up for logical replication, and flushes", async () => {
    const settings = ["wal_level", "max_wal_senders", "max_replication_slots", "max_connections", "fsync"];
    const values = [];
    for (const setting of settings) values.push(await value(`SHOW ${setting}`));
    const seen = values.join(" ");
    if (seen !== "logical 20 20 200 on") throw new Error(seen);
    return `${await value("SHOW server_version")}: ${seen}`;
  });
  await check("commits one transaction and rolls another back", async () => {
    await client.query(`CREATE TABLE ${name} (id int PRIMARY KEY)`);
    await client.query(
      `BEGIN; INSERT INTO ${name} VALUES (1); COMMIT; BEGIN; INSERT INTO ${name} VALUES (2); ROLLBACK`,
    );
    if ((await value(`SELECT string_agg(id::text, ',') FROM ${name}`)) !== "1")
      throw new Error("not just row 1");
  });
  await check("streams a publication's changes through a pgoutput slot", () => changes(client, name));
  await check("drops the slot", async () => {
    const left = await value(`SELECT count(*)::int FROM pg_replication_slots WHERE slot_name = '${name}'`);
    if (left !== 0) throw new Error("it is still there");
  });
  await client.query(`DROP TABLE ${name}`);
  await client.end();
}

async function changes(client, name) {
  await client.query(`CREATE PUBLICATION ${name} FOR TABLE ${name}`);
  await client.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
  try {
    await client.query(`INSERT INTO ${name} VALUES (3)`);
    const { rows } = await client.query(
      "SELECT get_byte(data, 0) AS kind FROM pg_logical_slot_get_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', $2)",
      [name, name],
    );
    const kinds = rows.map(({ kind }) => String.fromCharCode(kind)).join("");
    if (kinds !== "BRIC") throw new Error(`messages ${kinds}, not begin, relation, insert, commit`);
    return kinds;
  } finally {
    await client.query("SELECT pg_drop_replication_slot($1)", [name]);
    await client.query(`DROP PUBLICATION ${name}`);
  }
}
