import { createConnection } from "mysql2/promise";

export async function prove({ main }, check) {
  const name = `prove_${Date.now()}`;
  const connection = await createConnection(main);
  const rowsOf = async (text) => (await connection.query(text))[0];
  await check("writes a row-based binary log", async () => {
    const [row] = await rowsOf("SELECT @@version AS version, @@log_bin AS log, @@binlog_format AS format");
    if (row.log !== 1 || row.format !== "ROW") throw new Error(JSON.stringify(row));
    return row.version;
  });
  await check("commits one transaction and rolls another back", async () => {
    await connection.query(`CREATE TABLE ${name} (id int PRIMARY KEY) ENGINE = InnoDB`);
    for (const [id, ending] of [
      [1, "commit"],
      [2, "rollback"],
    ]) {
      await connection.beginTransaction();
      await connection.query(`INSERT INTO ${name} VALUES (?)`, [id]);
      await connection[ending]();
    }
    const seen = (await rowsOf(`SELECT id FROM ${name}`)).map(({ id }) => id).join();
    if (seen !== "1") throw new Error(`rows ${seen}`);
  });
  await check("skips rows that another transaction holds", () => skipLocked(main, connection, name));
  await connection.query(`DROP TABLE ${name}`);
  await connection.end();
}

async function skipLocked(main, connection, name) {
  const other = await createConnection(main);
  try {
    await other.beginTransaction();
    await other.query(`SELECT id FROM ${name} FOR UPDATE`);
    const [rows] = await connection.query(`SELECT id FROM ${name} FOR UPDATE SKIP LOCKED`);
    if (rows.length !== 0) throw new Error("the held row was not skipped");
  } finally {
    await other.end();
  }
}
