/**
 * Address of a server that the test run started, for example `postgres://…`.
 *
 * Call it with a string literal: the runner reads these calls to learn which servers a test file needs.
 *
 * @throws Error when no such server is up, naming the command that starts it.
 */
export function serverUrl(name: string): string {
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

/** Environment variable that carries the address: `postgres` → `POSTRIDER_TEST_POSTGRES_URL`. */
export function serverUrlVariable(name: string): string {
  return `POSTRIDER_TEST_${name.toUpperCase().replaceAll("-", "_")}_URL`;
}
