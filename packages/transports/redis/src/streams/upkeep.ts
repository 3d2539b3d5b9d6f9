import type { ResolvedOptions } from "../options.ts";
import type { GroupPlan } from "../topology.ts";
import { command, numberOf, run } from "./call.ts";
import { createChore } from "./chore.ts";
import type { Link } from "./link.ts";
import { eachMark, type Names } from "./names.ts";

/** What members of a group do for all: move what is due, trim what is done, say that they live. */
export interface Upkeep {
  /** Something of this member is due then. */
  parked(delayMs: number): void;
  end(): Promise<void>;
}

export interface UpkeepParts {
  readonly options: ResolvedOptions;
  readonly plan: GroupPlan;
  readonly names: Names;
  readonly consuming: Link;
  readonly onFailure: (what: string, error: unknown) => void;
}

/** What other members have parked is looked for so often. */
const lookForDueMs = 1_000;
const dueAtOnce = 100;
const trimEveryMs = 10_000;

export function startUpkeep({ options, plan, names, consuming, onFailure }: UpkeepParts): Upkeep {
  const { clock } = options;
  const isEach = plan.queues.some(({ kind }) => kind === "each");
  /** An instance that is not heard of for so long has left without a word. */
  const aliveMs = Math.max(60_000, 10 * options.leaseMs);

  const move = async (): Promise<number> => {
    const client = consuming.client();
    if (client === undefined) return lookForDueMs;
    const keys = plan.queues.flatMap(({ due, parked, retry }) => [due, parked, retry]);
    const soonestMs = numberOf(await run(client, "moveDue", keys, [dueAtOnce]));
    return soonestMs < 0 ? lookForDueMs : Math.min(lookForDueMs, soonestMs);
  };
  const trim = async (): Promise<number> => {
    const client = consuming.client();
    const streams = plan.queues.filter(({ kind }) => kind !== "dead-letters");
    if (client === undefined) return trimEveryMs;
    for (const { stream } of streams) {
      const args = [Math.floor(trimEveryMs * 0.9), options.retainMs, eachMark];
      await run(client, "trim", [stream, names.trim(stream)], args);
    }
    return trimEveryMs * (0.75 + 0.5 * Math.random());
  };
  const live = async (): Promise<number> => {
    const client = consuming.client();
    const nextMs = aliveMs / 4;
    if (client === undefined || !isEach) return nextMs;
    await Promise.all(plan.queues.map(({ alive }) => command(client, "SET", [alive, "1", "PX", aliveMs])));
    return nextMs;
  };

  /** The next turn comes all the same; what is wrong with the connection is told elsewhere. */
  const kept = (task: () => Promise<number>, what: string, againMs: number) => async (): Promise<number> => {
    const client = consuming.client();
    try {
      return await task();
    } catch (error) {
      if (consuming.client() === client) onFailure(what, error);
      return againMs;
    }
  };
  const moving = createChore(clock, kept(move, "What is due cannot be moved", lookForDueMs));
  const trimming = createChore(clock, kept(trim, "Streams cannot be trimmed", trimEveryMs));
  const living = createChore(clock, kept(live, "No sign of life can be given", lookForDueMs));
  living.soon();
  moving.soon();
  trimming.within(trimEveryMs * Math.random());

  return {
    // The server's clock counts the milliseconds from their beginning.
    parked: (delayMs) => moving.within(delayMs + 2),
    end: async () => {
      await Promise.all([moving.end(), trimming.end(), living.end()]);
    },
  };
}
