import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { type Argument, command, listOf, numberOf, run, textOf } from "./call.ts";
import { createChore } from "./chore.ts";
import { foundIn, inOrder } from "./entries.ts";
import { type Block, createReadLoop, waitMsOf } from "./read-loop.ts";
import { advance, begin, createShare, fetchedFrom, isActive, type Share } from "./share.ts";
import type { Reader, ReaderParts } from "./shared-reader.ts";
import { ownersOf } from "./shares.ts";

/*
 * For groups with order per key: each stream is read by the one member that holds its lease. What is new is waited for
 * with a read that takes nothing, and then fetched by a script that looks at the lease first: so a member that was frozen
 * cannot take entries away from its successor, whatever of it is still under way.
 *
 * Members tell each other apart by a list with times, from which each computes the same even split.
 */

export interface OrderedReaderParts extends ReaderParts {
  readonly members: string;
}

/** How often a member looks around, at most. */
const attendEveryMs = 1_000;
/** How long a handler may go on before another member gets its stream all the same: then this one tries again later. */
const stepBackMs = 30_000;

export function createOrderedReader(parts: OrderedReaderParts): Reader {
  const { options, plan, consuming, handOver, flushAcks, members } = parts;
  const { clock, leaseMs } = options;
  const { group } = plan;
  const member = `${options.connectionName}-${randomUUID()}`;
  const shares = plan.queues.map(createShare);
  const attendMs = Math.min(attendEveryMs, leaseMs / 3);
  const leaving = new Map<Share, Promise<void>>();
  const waits = new Set<() => void>();
  let leaseEndsMs = 0;
  let turnOf = 0;
  let closing = false;

  const lose = (share: Share, reason: "outage" | "lease"): void => {
    share.tenure?.end();
    share.tenure = undefined;
    handOver.lose(({ queue }) => queue === share.queue, reason);
  };
  const active = (): readonly Share[] => shares.filter(isActive);

  // ── reading

  const turn = async (client: Redis, block: Block): Promise<void> => {
    const own = active();
    turnOf = (turnOf + 1) % own.length;
    const inTurn = [...own.slice(turnOf), ...own.slice(0, turnOf)];
    const tenures = inTurn.map(({ tenure }) => tenure);
    const room = handOver.room();
    const reply = await run(client, "readOwned", leasesAndStreams(inTurn), [
      ...[group, member, room],
      ...inTurn.flatMap(({ sources }) => sources.map(({ from }) => from)),
    ]);
    const [lost, entries, gone] = listOf(reply);
    // What became another's while the answer was on its way is that one's.
    if (inTurn.some(({ tenure }, index) => tenure === undefined || tenure !== tenures[index])) return;
    const found = foundIn(entries);
    advance(inTurn, found, room);
    handOver.add(fetchedFrom(inTurn, inOrder(found)));
    if (numberOf(gone) > 0) parts.onGone(numberOf(gone));
    for (const index of listOf(lost)) {
      const share = inTurn[numberOf(index)];
      if (share !== undefined) lose(share, "lease");
    }
    if (found.length === 0 && active().length > 0) await waitForNews(block);
  };
  const waitForNews = async (block: Block): Promise<void> => {
    const sources = active().flatMap((share) => share.sources);
    if (sources.some(({ from }) => from !== ">")) return;
    await block("XREAD", [
      ...["COUNT", 1, "BLOCK", waitMsOf(options), "STREAMS"],
      ...sources.map(({ stream }) => stream),
      ...sources.map(({ last }) => last),
    ]);
  };

  // ── leases

  const attend = async (): Promise<number> => {
    const client = consuming.client();
    try {
      if (client !== undefined) await lookAround(client);
    } catch (error) {
      if (consuming.client() === client) parts.onFailure("The members of the group cannot be seen", error);
    }
    if (clock.monotonicMs() > leaseEndsMs) for (const share of active()) lose(share, "lease");
    return attendMs;
  };
  const lookAround = async (client: Redis): Promise<void> => {
    const askedMs = clock.monotonicMs();
    const keys = [members, ...shares.map(({ queue }) => queue.owner)];
    const [listed, leases] = listOf(await run(client, "attend", keys, [member, leaseMs, leaseMs]));
    if (closing || consuming.client() !== client) return;
    leaseEndsMs = askedMs + leaseMs;
    const owners = ownersOf(shares.length, listOf(listed).map(textOf).sort());
    const states = listOf(leases).map(textOf);
    for (const [index, share] of shares.entries())
      await attendTo(client, share, states[index], owners[index] === member);
  };
  const attendTo = async (
    client: Redis,
    share: Share,
    state: string | undefined,
    isWanted: boolean,
  ): Promise<void> => {
    if (state !== "ours" && share.tenure !== undefined) lose(share, "lease");
    share.timesFree = state === "free" ? share.timesFree + 1 : 0;
    if (state === "ours" && share.tenure === undefined) await take(client, share);
    // What nobody takes whose turn it would be is not left lying.
    else if (state === "free" && (isWanted || share.timesFree > 3)) await take(client, share);
    else if (isActive(share) && !isWanted) leaving.set(share, stepBack(share));
  };
  const take = async (client: Redis, share: Share): Promise<void> => {
    const { owner, stream, retry } = share.queue;
    const reply = await run(client, "acquire", [owner, stream, retry], [group, member, leaseMs]);
    if (reply === null || closing || consuming.client() !== client) return;
    // A process that was frozen finds out by the clock, before it hears of anything.
    begin(share, listOf(reply).map(textOf), () => clock.monotonicMs() < leaseEndsMs);
    loop.wake();
    loop.interrupt();
  };

  /** Another member shall have it: as soon as nothing of it is in the handlers. */
  const stepBack = async (share: Share): Promise<void> => {
    const { tenure } = share;
    share.isLeaving = true;
    handOver.holdQueue(share.queue);
    try {
      const isSettled = await handOver.settledOf(share.queue, afterMs(stepBackMs));
      if (!isSettled || share.tenure !== tenure) return;
      await flushAcks();
      await giveUp(share);
    } catch (error) {
      parts.onFailure("A stream cannot be given to another member", error);
    } finally {
      share.isLeaving = false;
      handOver.resumeQueue(share.queue);
      leaving.delete(share);
      loop.wake();
    }
  };
  /** Gives back the lease, and uncounted what is not settled. */
  const giveUp = async (share: Share): Promise<void> => {
    const client = consuming.client();
    const wasOurs = share.tenure !== undefined;
    share.tenure?.end();
    share.tenure = undefined;
    const { handedOut, waiting } = handOver.lose(({ queue }) => queue === share.queue, "closed");
    if (client === undefined || !wasOurs) return;
    const { owner, stream, retry } = share.queue;
    const returned = [...handedOut, ...waiting].flatMap(({ stream: from, entry }): Argument[] => [
      from === stream ? 1 : 2,
      entry.id,
      entry.deliveries,
    ]);
    await run(client, "giveUp", [owner, stream, retry], [group, member, ...returned]);
  };

  /** Ends early when the subscription closes. */
  const afterMs = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        cancel();
        waits.delete(end);
        resolve();
      };
      const cancel = clock.schedule(delayMs, end);
      waits.add(end);
    });

  const attending = createChore(clock, attend);
  const loop = createReadLoop({
    options,
    consuming,
    prepare: async () => undefined,
    mayRead: () => handOver.room() > 0 && active().length > 0 && consuming.client() !== undefined,
    turn,
    rebind: async (cause) => {
      for (const share of active()) lose(share, "lease");
      await parts.rebind(cause);
      attending.soon();
    },
    onFailure: (error) => parts.onFailure("Messages cannot be read", error),
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= loop.close());
  const leave = async (): Promise<void> => {
    closing = true;
    await attending.end();
    for (const end of waits) end();
    await Promise.all(leaving.values());
    await flushAcks();
    await Promise.all(shares.map(giveUp));
    const client = consuming.client();
    if (client !== undefined) await command(client, "ZREM", [members, member]);
  };

  return {
    open: async () => {
      await loop.open();
      // What is free is ours before the subscription counts as open.
      attending.within(await attend());
    },
    hasRoom: loop.wake,
    up: attending.soon,
    down: (cause) => {
      for (const share of shares) lose(share, "outage");
      loop.restart(cause);
    },
    stop,
    close: async () => {
      await stop();
      await leave();
    },
  };
}

function leasesAndStreams(shares: readonly Share[]): readonly string[] {
  return shares.flatMap(({ queue }) => [queue.owner, queue.stream, queue.retry]);
}
