import { isMessagingError } from "../errors.ts";
import { createMessaging } from "../messaging.ts";
import type { MessagingWithStore } from "../messaging-types.ts";
import type { RelayHealth } from "../relay/standing.ts";
import { UsageError, type Arguments } from "./arguments.ts";
import { say } from "./say.ts";
import { serveHealth } from "./health-server.ts";
import type { RelayConfig } from "./load-config.ts";

/** Relays until the process is told to end. Resolves with the exit code. */
export async function runRelay({ options, close }: RelayConfig, given: Arguments): Promise<number> {
  const ended = onceTold();
  const messaging = await started(options);
  // Nothing else may hold the process: a standby opens no socket between two looks at the lease.
  const alive = setInterval(() => {}, 60_000);
  const health = await serveHealth(given, () => healthOf(messaging));
  if (health !== undefined) say(`Health: ${health.url}`);
  try {
    say("The relay runs.");
    say(`${await ended}: the relay ends.`);
    return 0;
  } finally {
    clearInterval(alive);
    await health?.close();
    await messaging.close({ drainMs: given.drainMs });
    await close();
  }
}

/** Listened to from the beginning: a signal during the start ends it right after. The second one ends at once. */
function onceTold(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
}

async function started(options: RelayConfig["options"]): Promise<MessagingWithStore<unknown>> {
  try {
    // The user's module decides what they are, and createMessaging checks every one of them.
    return (await createMessaging(options as never)) as MessagingWithStore<unknown>;
  } catch (error) {
    const { message } = error as Error;
    if (isMessagingError(error) && error.code.startsWith("CONFIG_"))
      throw new UsageError(message, { cause: error });
    throw error;
  }
}

function healthOf(messaging: MessagingWithStore<unknown>): RelayHealth {
  return (
    messaging.relay?.health() ?? {
      state: "stopped",
      lastTurnAgeMs: undefined,
      errorCode: undefined,
      lastError: undefined,
    }
  );
}
