// Counts what happened, from the database and the sink's own file: no relay is asked.
import { existsSync, readFileSync } from "node:fs";

/**
 * @typedef {{ committed: number, rolledBack: number, delivered: number, duplicates: number, lost: number,
 *   inversions: number, ghosts: number }} Counts `ghosts` were delivered although their transaction did not commit.
 */

/**
 * @param {{ pool: import("pg").Pool, schema: string }} database @param {string} file of the sink
 * @returns {Promise<Counts>}
 */
export async function check({ pool, schema }, file) {
  const changes = await pool.query(`SELECT id FROM "${schema}".change`);
  const attempts = await pool.query(
    `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS attempts FROM "${schema}".attempt`,
  );
  const committed = new Set(changes.rows.map(({ id }) => id));
  const transactions = new Set([...committed].map(transactionOf));
  const arrived = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  const firsts = new Set(arrived);
  return {
    committed: committed.size,
    rolledBack: Number(attempts.rows[0].attempts) - transactions.size,
    delivered: firsts.size,
    duplicates: arrived.length - firsts.size,
    lost: [...committed].filter((id) => !firsts.has(id)).length,
    inversions: inversionsOf(firsts),
    ghosts: [...firsts].filter((id) => !committed.has(id)).length,
  };
}

function transactionOf(id) {
  return id.split(":", 2).join(":");
}

/** First deliveries of a key that came after one of a later version or place. @param {Iterable<string>} firsts */
function inversionsOf(firsts) {
  const seen = new Map();
  let count = 0;
  for (const id of firsts) {
    const [key, version, place] = id.split(":");
    const at = Number(version) * 100 + Number(place);
    if (at < (seen.get(key) ?? 0)) count += 1;
    else seen.set(key, at);
  }
  return count;
}
