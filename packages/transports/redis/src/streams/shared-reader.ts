import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { ResolvedOptions } from "../options.ts";
import type { GroupPlan } from "../topology.ts";
import { type Block, createReadLoop, waitMsOf } from "./read-loop.ts";
import { type Chore, createChore } from "./chore.ts";
import { listOf, numberOf, run, textOf } from "./call.ts";
import { type Found, foundIn, inOrder, readNewFrom } from "./entries.ts";
import { type Fetched, placeOf } from "./fetched.ts";
import { type HandOver, placesOf } from "./hand-over.ts";
import type { Link } from "./link.ts";
import { beginTenure } from "./tenure.ts";

/*
 * For groups without order: each member is a consumer of the group, and whoever asks first gets an entry. It is ours until
 * we acknowledge it or show no sign of life for as long as the lease.
 *
 * An entry may be with us at the server without our knowing: when the connection broke between its answer and us. So
 * whenever a connection begins, and when a read comes back too early, the server's list of what is with us is read.
 */

/** How a subscription gets at messages. */
export interface Reader {
  open(): Promise<void>;
  /** There is room for more. */
  hasRoom(): void;
  /** The connection for settling is back. */
  up(): void;
  /** The connection for settling is gone, and with it what was ours. */
  down(cause: unknown): void;
  /** Reads no more. What is ours stays so. */
  stop(): Promise<void>;
  /** Gives everything back, uncounted. */
  close(): Promise<void>;
}

export interface ReaderParts {
  readonly options: ResolvedOptions;
  readonly plan: GroupPlan;
  readonly consuming: Link;
  readonly handOver: HandOver;
  /** Resolves when all acknowledgements given so far are told. */
  readonly flushAcks: () => Promise<void>;
  readonly rebind: (cause: unknown) => Promise<void>;
  /** Puts an entry back for whoever comes first, uncounted. */
  readonly giveBack: (fetched: Fetched) => Promise<void>;
  readonly onFailure: (what: string, error: unknown) => void;
  /** Entries of the group were deleted at the server before they were acknowledged. */
  readonly onGone: (count: number) => void;
}

/** A consumer that has nothing and has asked for nothing for so long is forgotten. */
const forgetConsumersMs = 3_600_000;

export function createSharedReader(parts: ReaderParts): Reader {
  const { options, plan, consuming, handOver, flushAcks } = parts;
  const { group } = plan;
  const consumer = `${options.connectionName}-${randomUUID()}`;
  const sources = plan.queues.flatMap((queue) => [
    { queue, stream: queue.stream },
    { queue, stream: queue.retry },
  ]);
  const streams = sources.map(({ stream }) => stream);
  let tenure = beginTenure();
  let cursors: readonly string[] = streams.map(() => "0-0");
  let turnOf = 0;
  /** Handed out when the connection broke: their next delivery counts. */
  let interrupted: ReadonlySet<string> = new Set();
  /** Found no room since the last look. */
  let waitedBefore: ReadonlySet<string> = new Set();

  const fetchedOf = (
    found: readonly Found[],
    from: readonly (typeof sources)[number][],
  ): readonly Fetched[] =>
    found.flatMap(({ place, entry }) => {
      const source = from[place - 1];
      return source === undefined ? [] : [{ entry, ...source, holder: consumer, tenure }];
    });

  const turn = async (client: Redis, block: Block): Promise<void> => {
    const room = handOver.room();
    // Several streams are asked for as many each: with little room they are asked one after the other.
    if (room < sources.length && (await readFew(client, room)) > 0) return;
    const count = Math.max(1, Math.floor(room / sources.length));
    const waitMs = waitMsOf(options);
    const startedMs = options.clock.monotonicMs();
    const reply = await block("XREADGROUP", [
      ...["GROUP", group, consumer, "COUNT", count, "BLOCK", waitMs, "STREAMS"],
      ...streams,
      ...streams.map(() => ">"),
    ]);
    const found = readNewFrom(reply, streams);
    handOver.add(fetchedOf(inOrder(found), sources));
    if (found.length === 0 && options.clock.monotonicMs() - startedMs < waitMs * 0.9) await recover(client);
  };
  const readFew = async (client: Redis, room: number): Promise<number> => {
    turnOf = (turnOf + 1) % sources.length;
    const inTurn = [...sources.slice(turnOf), ...sources.slice(0, turnOf)];
    const keys = inTurn.map(({ stream }) => stream);
    const found = foundIn(await run(client, "readNew", keys, [group, consumer, room]));
    handOver.add(fetchedOf(inOrder(found), inTurn));
    return found.length;
  };

  /** What the server takes to be with us, and we do not know of. */
  const recover = async (client: Redis): Promise<void> => {
    await flushAcks();
    const known = placesOf(handOver.all());
    const listed = listOf(await run(client, "listOwn", streams, [group, consumer, 10_000]));
    const unknown = listed.flatMap((one) => {
      const [place, id, count] = listOf(one);
      const where = `${streams[numberOf(place) - 1] ?? ""} ${textOf(id)}`;
      if (known.has(where)) return [];
      return [[numberOf(place), textOf(id), numberOf(count) + (interrupted.has(where) ? 1 : 0)] as const];
    });
    interrupted = new Set();
    if (unknown.length === 0) return;
    const found = foundIn(await run(client, "readOwn", streams, [group, consumer, ...unknown.flat()]));
    handOver.add(fetchedOf(inOrder(found), sources));
  };

  const extend = async (): Promise<number> => {
    const client = consuming.client();
    const ours = handOver.all();
    const nextMs = options.leaseMs / 3;
    if (client === undefined || ours.length === 0) return nextMs;
    try {
      const pairs = ours.flatMap(({ stream, entry }) => [streams.indexOf(stream) + 1, entry.id]);
      const lost = listOf(await run(client, "extend", streams, [group, consumer, ...pairs]));
      const places = new Set(lost.flatMap((index) => placeIn(ours, numberOf(index))));
      if (places.size > 0) handOver.lose((fetched) => places.has(placeOf(fetched)), "lease");
      await giveBackIdle();
    } catch (error) {
      parts.onFailure("The lease of messages cannot be extended", error);
    }
    return nextMs;
  };

  /** What finds no room here for long is for others. */
  const giveBackIdle = async (): Promise<void> => {
    const waiting = handOver.waiting();
    const idle = placesOf(waiting.filter((one) => waitedBefore.has(placeOf(one))));
    waitedBefore = placesOf(waiting);
    if (idle.size === 0) return;
    const { waiting: taken } = handOver.lose((fetched) => idle.has(placeOf(fetched)), "lease");
    await Promise.all(taken.map(parts.giveBack));
  };

  const claim = async (): Promise<number> => {
    const client = consuming.client();
    const room = handOver.room();
    const nextMs = (options.leaseMs / 2) * (0.75 + 0.5 * Math.random());
    if (client === undefined || room === 0) return nextMs;
    try {
      const args = [group, consumer, options.leaseMs, room, forgetConsumersMs, ...cursors];
      const reply = listOf(await run(client, "claim", streams, args));
      const known = placesOf(handOver.all());
      const taken = fetchedOf(foundIn(reply[0]), sources).filter((one) => !known.has(placeOf(one)));
      cursors = listOf(reply[1]).map(textOf);
      if (numberOf(reply[2]) > 0) parts.onGone(numberOf(reply[2]));
      handOver.add(taken);
      // The rest of a long list is looked at without delay.
      return cursors.some((cursor) => cursor !== "0-0") ? 0 : nextMs;
    } catch (error) {
      parts.onFailure("What others left behind cannot be taken over", error);
      return nextMs;
    }
  };

  const chores: readonly Chore[] = [createChore(options.clock, extend), createChore(options.clock, claim)];
  const loop = createReadLoop({
    options,
    consuming,
    prepare: recover,
    mayRead: () => handOver.room() > 0 && consuming.client() !== undefined,
    turn,
    rebind: parts.rebind,
    onFailure: (error) => parts.onFailure("Messages cannot be read", error),
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= loop.close());

  return {
    open: async () => {
      await loop.open();
      const [extending, claiming] = chores;
      extending?.within(options.leaseMs / 3);
      // What was left behind before comes first.
      claiming?.soon();
    },
    hasRoom: loop.wake,
    up: loop.wake,
    down: (cause) => {
      tenure.end();
      tenure = beginTenure();
      interrupted = new Set([...interrupted, ...placesOf(handOver.lose(() => true, "outage").handedOut)]);
      loop.restart(cause);
    },
    stop,
    close: async () => {
      await stop();
      await Promise.all(chores.map((chore) => chore.end()));
      const { handedOut, waiting } = handOver.lose(() => true, "closed");
      tenure.end();
      await flushAcks();
      await Promise.all([...handedOut, ...waiting].map(parts.giveBack));
    },
  };
}

function placeIn(ours: readonly Fetched[], index: number): readonly string[] {
  const one = ours[index];
  return one === undefined ? [] : [placeOf(one)];
}
