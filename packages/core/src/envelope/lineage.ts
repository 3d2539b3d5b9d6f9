import { AsyncLocalStorage } from "node:async_hooks";

/** Where a message comes from: inherited by everything that is published while another message is handled. */
export interface Lineage {
  /** The id that all messages of one conversation share; undefined where each begins one of its own. */
  readonly correlationid: string | undefined;
  /** The id of the message, or the domain event, that caused this one; undefined where a conversation begins. */
  readonly causationid: string | undefined;
  readonly tenant: string | undefined;
  /** On whose behalf: told on, and never a proof of anything. */
  readonly actor?: Actor | undefined;
  /** The type of the domain event that `causationid` names. */
  readonly domainEvent?: string | undefined;
}

/** Who is behind a change, as the Auth Context extension of CloudEvents tells it. */
export interface Actor {
  /** The extension `authid`. */
  readonly id: string;
  /** The extension `authtype`: `user`, `service_account`, `system`, …; `unknown` where nobody said. */
  readonly type: string;
}

/** The actor that a message names; undefined for none. */
export function actorOf(extensions: Readonly<Record<string, unknown>>): Actor | undefined {
  const { authid, authtype } = extensions;
  if (typeof authid !== "string" || authid === "") return undefined;
  return { id: authid, type: typeof authtype === "string" && authtype !== "" ? authtype : "unknown" };
}

/** The lineage of whatever runs now. One per messaging, so that two services in one process do not mix. */
export interface LineageScope {
  current(): Lineage | undefined;
  run<R>(lineage: Lineage, work: () => R): R;
}

export function createLineageScope(): LineageScope {
  const storage = new AsyncLocalStorage<Lineage>();
  return { current: () => storage.getStore(), run: (lineage, work) => storage.run(lineage, work) };
}
