import type {
  ArchivedEvent,
  ArchivedQuery,
  OutboxStatus,
  ParkedEvent,
  ParkedQuery,
  RelayStore,
} from "../contracts/relay-store.ts";
import type { OutboxStore, Position } from "../contracts/outbox.ts";
import { OptionsError } from "../errors.ts";
import { isOptions, problemsOfOptions, type OptionNames } from "../options/names.ts";

/** What people do to an outbox: look, try again, drop, halt. Needs no relay in this process, and works while one works. */
export interface OutboxAdmin {
  /** One query that counts 10,000 rows at most; what is larger is told as inexact. */
  status(): Promise<OutboxStatus>;
  /** Events that the broker refused and those behind them, oldest first. */
  parked(query?: ParkedQuery): Promise<readonly ParkedEvent[]>;
  /** Events that were published, oldest first; none where the store keeps no archive. */
  archived(query?: ArchivedQuery): Promise<readonly ArchivedEvent[]>;
  /** Makes parked events due now, dead ones too, with their attempts set to 0. Returns how many. */
  retry(choice: ParkedChoice): Promise<number>;
  /** Drops parked events for good; what waited behind them goes on. Returns how many. */
  discard(choice: ParkedChoice): Promise<number>;
  /** Halts all relays of this outbox, in every process and across restarts. What is on its way is confirmed. */
  pause(): Promise<void>;
  /** Ends a pause, whoever made it, and wakes the relays that can be told. */
  resume(): Promise<void>;
}

/** Some parked events: by position, or all for which every condition given holds. At least one must be given. */
export type ParkedChoice =
  | { readonly positions: readonly Position[] }
  | Pick<ParkedQuery, "status" | "channel" | "key" | "type">;

/** As much of a store as its administration needs. */
export interface AdministeredStore {
  readonly relay: Pick<
    RelayStore,
    "status" | "parked" | "archived" | "retryParked" | "discardParked" | "pause" | "resume"
  >;
  readonly outbox: Pick<OutboxStore<unknown>, "signal">;
}

/** So many rows are changed in one transaction. */
const portion = 500;

const conditions: OptionNames<Pick<ParkedQuery, "status" | "channel" | "key" | "type">> = {
  status: true,
  channel: true,
  key: true,
  type: true,
};

/** The administration of the outbox of this store. */
export function outboxAdmin({ relay, outbox }: AdministeredStore): OutboxAdmin {
  /** What was chosen, a portion after the other. Those that are behind what was changed meanwhile are not skipped. */
  const change = async (
    choice: ParkedChoice,
    apply: (positions: readonly Position[]) => Promise<number>,
  ): Promise<number> => {
    let changed = 0;
    for await (const positions of portionsOf(relay, choice)) changed += await apply(positions);
    if (changed > 0) outbox.signal();
    return changed;
  };
  return {
    status: () => relay.status(),
    parked: async (query = {}) => relay.parked(query),
    archived: async (query = {}) => relay.archived(query),
    retry: (choice) => change(choice, (positions) => relay.retryParked(positions)),
    discard: (choice) => change(choice, (positions) => relay.discardParked(positions)),
    pause: () => relay.pause(),
    resume: async () => {
      await relay.resume();
      outbox.signal();
    },
  };
}

async function* portionsOf(
  relay: AdministeredStore["relay"],
  choice: ParkedChoice,
): AsyncGenerator<readonly Position[]> {
  if (isOptions(choice) && "positions" in choice) {
    for (let start = 0; start < choice.positions.length; start += portion)
      yield choice.positions.slice(start, start + portion);
    return;
  }
  const query = checked(choice);
  for (let after: Position | undefined; ;) {
    const page = await relay.parked({ ...query, after, limit: portion });
    if (page.length > 0) yield page.map(({ position }) => position);
    if (page.length < portion) return;
    after = page.at(-1)?.position;
  }
}

/** A choice without a condition would be everything, and a misspelt one too. */
function checked(choice: ParkedQuery): ParkedQuery {
  const problems = [...problemsOfOptions(choice, conditions)];
  if (problems.length === 0 && !Object.values(choice).some((value) => value !== undefined))
    problems.push("give 'positions', or at least one of 'status', 'channel', 'key' and 'type'");
  if (problems.length > 0) throw new OptionsError("The choice of parked events", problems);
  return choice;
}
