import { createServer } from "node:http";
import type { RelayHealth, RelayState } from "../relay/standing.ts";

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

const wellStates: ReadonlySet<RelayState> = new Set(["leading", "standby", "paused"]);

/** Answers what the process knows of itself: no query, so that it can be asked as often as one likes. */
export async function serveHealth(
  where: { readonly healthPort: number | undefined; readonly healthHost: string },
  health: () => RelayHealth,
): Promise<HealthServer | undefined> {
  if (where.healthPort === undefined) return undefined;
  const server = createServer((request, response) => {
    if (request.method !== "GET" || request.url !== "/health") {
      response.writeHead(404).end();
      return;
    }
    const now = health();
    response
      .writeHead(wellStates.has(now.state) ? 200 : 503, { "content-type": "application/json" })
      .end(`${JSON.stringify(now)}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(where.healthPort, where.healthHost, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : where.healthPort;
  return {
    url: `http://${where.healthHost}:${port}/health`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
