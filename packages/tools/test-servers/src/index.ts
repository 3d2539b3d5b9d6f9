// @boundaries-ignore the servers are scripts of the repository, and this private package is the one door to them
import type { ServerName } from "../../../../scripts/services/index.mjs";

// @boundaries-ignore as above
export { freeze, kill, start, startedUrls, thaw } from "../../../../scripts/services/index.mjs";
// @boundaries-ignore as above
export { rabbitmqctl } from "../../../../scripts/services/rabbitmqctl.mjs";
export type { ServerName };

/**
 * Address of a server that the test run started, for example `postgres://…`.
 *
 * Call it with a string literal: the runner reads these calls to learn which servers a test file needs.
 *
 * @throws Error when no such server is up, naming the command that starts it.
 */
export function serverUrl(name: ServerName): string {
  const variable = serverUrlVariable(name);
  const url = process.env[variable];
  if (url === undefined || url === "") {
    throw new Error(
      `This test needs the ${name} server, and ${variable} is not set. ` +
        `Run "npm test -- integration", or start the server with "npm run services -- up ${name}" and run vitest again.`,
    );
  }
  return url;
}

/** `postgres` → `POSTRIDER_TEST_POSTGRES_URL`; vitest.config.ts sets these. */
function serverUrlVariable(name: string): string {
  return `POSTRIDER_TEST_${name.toUpperCase().replaceAll("-", "_")}_URL`;
}

// ── processes and statements that stop where a test wants them
export { statementGate } from "./statement-gate.ts";
export type { GateConnection, GatedMoment, StatementGate } from "./statement-gate.ts";
export { stopAt, stopHere, stopPublishing } from "./stop-at.ts";
export type { AtPoint, PublishPoint } from "./stop-at.ts";
