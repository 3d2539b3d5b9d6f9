import { createMessaging, defineEvent, type Logger, memory, type MessagingWithStore } from "@postrider/core";
import { onTestFinished } from "vitest";
import type { PostgresStore } from "@postrider/postgres";

interface Count {
  readonly name: string;
}

/** A schema by the standard, so that this package needs no library for one. */
const countSchema: {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (
      value: unknown,
    ) => { readonly value: Count } | { readonly issues: readonly { readonly message: string }[] };
    readonly types?: { readonly input: Count; readonly output: Count } | undefined;
  };
} = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => (isCount(value) ? { value } : { issues: [{ message: "must have a name" }] }),
  },
};

function isCount(value: unknown): value is Count {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string";
}

/** An event without a key: its messages wait for nobody. */
export const Counted = defineEvent("test.counters.counted.v1", { data: countSchema });

export const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A service on a store, with a broker of its own in memory; it closes with the test. */
export async function serviceOn<Tx>(
  store: PostgresStore<Tx>,
  relay: "relays" | "keeps its outbox",
): Promise<MessagingWithStore<Tx>> {
  const messaging = await createMessaging({
    source: "/test",
    broker: memory(),
    store,
    logger: silent,
    ...(relay === "relays" ? {} : { relay: false }),
  });
  onTestFinished(() => messaging.close());
  return messaging;
}

/** Resolves when `holds` answers true; gives up with `what` after `limitMs`. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 15_000,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`Waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
