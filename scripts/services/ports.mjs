import { createServer } from "node:net";
import { randomInt } from "node:crypto";

/**
 * Below the range from which Linux takes the ports of outgoing connections (32768 up): a port of ours
 * must still be free when its server starts again.
 */
const lowest = 20_000;
const highest = 32_000;

/** One free loopback port for each role, none twice. */
export async function choosePorts(roles) {
  const chosen = new Set();
  for (let tries = 0; chosen.size < roles.length; tries++) {
    if (tries > 500) throw new Error(`no free port found between ${lowest} and ${highest}`);
    const port = randomInt(lowest, highest);
    if (!chosen.has(port) && (await isFree(port))) chosen.add(port);
  }
  const free = [...chosen];
  return Object.fromEntries(roles.map((role, index) => [role, free[index]]));
}

/** Free on every address, not only on loopback: a server elsewhere on the port would confuse the reader of a log. */
export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "0.0.0.0" }, () => server.close(() => resolve(true)));
  });
}
