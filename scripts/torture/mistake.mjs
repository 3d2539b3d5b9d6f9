/**
 * A relay store with the mistake that this test is about: what has a smaller number than the last one seen counts as
 * seen. The number is kept in the database, as such a relay would, so that a successor does not find what was missed.
 *
 * @param {import("@postrider/core").RelayStore} relay @param {import("pg").Pool} pool @param {string} schema
 * @returns {import("@postrider/core").RelayStore}
 */
export function passByNumber(relay, pool, schema) {
  let passed = 0;
  return {
    ...relay,
    read: async (lease, bounds) => {
      const { rows } = await pool.query(`SELECT position FROM "${schema}".last_seen`);
      const last = Number(rows[0].position);
      const page = await relay.read(lease, { ...bounds, maxRows: Math.min(10_000, bounds.maxRows + passed) });
      const beyond = page.filter(({ position }) => Number(position) > last).slice(0, bounds.maxRows);
      passed = page.length - beyond.length;
      return beyond;
    },
    confirm: async (lease, events) => {
      await relay.confirm(lease, events);
      const highest = Math.max(...events.map(({ position }) => Number(position)));
      await pool.query(`UPDATE "${schema}".last_seen SET position = greatest(position, $1)`, [highest]);
    },
  };
}
