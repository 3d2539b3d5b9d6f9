import type { HandlingSeen, History, Outage, PublishSeen } from "./history.ts";

/** What a history is measured by. */
export interface CheckBounds {
  readonly deadlineMs: number;
  /** By how much a promise may settle after its deadline. */
  readonly settleSlackMs: number;
  /** How long after its handler a message may stay unacknowledged at the broker. */
  readonly ackSlackMs: number;
  readonly maxGrowthBytes: number;
}

/**
 * What must hold whatever breaks, one line for each that does not: every publish settles by its deadline, nothing that
 * was confirmed is lost, nothing strays, memory is bounded, first deliveries keep the order of their key, copies come
 * only of what an outage touched, and publishing and consuming work again afterwards.
 */
export function problemsOf(history: History, bounds: CheckBounds): readonly string[] {
  return [
    ...unsettled(history, bounds),
    ...refused(history),
    ...lostOf(history),
    ...history.strays.map((stray) => `stray: ${stray}`),
    ...grown(history, bounds),
    ...overtaken(history),
    ...copied(history, bounds),
    ...idle(history),
  ];
}

const nameOf = ({ key, step }: { readonly key: string; readonly step: number }): string => `${key}:${step}`;

function unsettled({ publishes }: History, { deadlineMs, settleSlackMs }: CheckBounds): string[] {
  return publishes.flatMap((one) => {
    if (one.settledMs === undefined) return [`unsettled: ${nameOf(one)} has no outcome`];
    const tookMs = one.settledMs - one.startedMs;
    if (tookMs <= deadlineMs + settleSlackMs) return [];
    return [`unsettled: ${nameOf(one)} took ${Math.round(tookMs)} ms, its deadline was ${deadlineMs} ms`];
  });
}

/** What no outage touched has no reason to fail. */
function refused({ publishes, outages }: History): string[] {
  return publishes
    .filter((one) => one.outcome !== "confirmed" && one.settledMs !== undefined)
    .filter(({ startedMs, settledMs }) => !touched(outages, startedMs, settledMs))
    .map((one) => `refused: ${nameOf(one)} ended ${one.outcome} (${one.code}) while nothing was away`);
}

/** What was confirmed and not handled by every group; the checker's own part, for those who wait until it is empty. */
export function lostOf({ publishes, handlings, groups, outages }: History): readonly string[] {
  return groups.flatMap(({ name }) => {
    const ended = new Set(
      handlings.filter((one) => one.group === name && one.endedMs !== undefined).map(nameOf),
    );
    const destroying = outages.filter(({ destroys }) => destroys.includes(name));
    return publishes
      .filter((one) => one.outcome === "confirmed" && !ended.has(nameOf(one)))
      .filter(
        ({ startedMs, settledMs }) => !touched(destroying, startedMs, (settledMs ?? startedMs) + queuedMs),
      )
      .map((one) => `lost: ${nameOf(one)} was confirmed, and ${name} never handled it`);
  });
}

/** So long a message may have lain in a queue before that was destroyed. */
const queuedMs = 1_000;

function grown({ memory }: History, { maxGrowthBytes }: CheckBounds): string[] {
  const growthBytes = memory.peakBytes - memory.startBytes;
  return growthBytes <= maxGrowthBytes
    ? []
    : [`memory: grew by ${growthBytes} bytes, allowed are ${maxGrowthBytes}`];
}

/** First handlings only: what comes again after an outage comes late. */
function overtaken({ handlings, groups }: History): string[] {
  return groups.flatMap(({ name, ordering }) => {
    if (ordering === "none") return [];
    const last = new Map<string, number>();
    const seen = new Set<string>();
    return handlings.flatMap((one) => {
      if (one.group !== name || seen.has(nameOf(one))) return [];
      seen.add(nameOf(one));
      const before = last.get(one.key) ?? 0;
      last.set(one.key, Math.max(before, one.step));
      return one.step > before ? [] : [`order: ${name} handled ${nameOf(one)} after ${one.key}:${before}`];
    });
  });
}

/** A message may come twice when an outage touched its publish, or its delivery before it was acknowledged. */
function copied({ publishes, handlings, outages }: History, { ackSlackMs }: CheckBounds): string[] {
  const sent = new Map<string, PublishSeen>(publishes.map((one) => [nameOf(one), one]));
  const before = new Map<string, HandlingSeen>();
  return handlings.flatMap((one) => {
    const name = `${one.group} ${nameOf(one)}`;
    const earlier = before.get(name);
    before.set(name, one);
    if (earlier === undefined) return [];
    const publish = sent.get(nameOf(one));
    const endedMs = earlier.endedMs === undefined ? undefined : earlier.endedMs + ackSlackMs;
    const excused =
      touched(outages, earlier.beganMs, endedMs) ||
      (publish !== undefined && touched(outages, publish.startedMs, publish.settledMs));
    return excused ? [] : [`copy: ${one.group} handled ${nameOf(one)} twice while nothing was away`];
  });
}

/** Each group must handle something that was published after the last outage. */
function idle({ publishes, handlings, groups, outages }: History): string[] {
  const overMs = Math.max(0, ...outages.map(({ toMs }) => toMs));
  const after = new Set(
    publishes.filter((one) => one.startedMs >= overMs && one.outcome === "confirmed").map(nameOf),
  );
  if (after.size === 0) return ["idle: nothing was confirmed after the last outage"];
  return groups
    .filter(({ name }) => !handlings.some((one) => one.group === name && after.has(nameOf(one))))
    .map(({ name }) => `idle: ${name} handled nothing of what was published after the last outage`);
}

/** Still under way: it reaches to the end of time. */
function touched(outages: readonly Outage[], fromMs: number, toMs: number = Infinity): boolean {
  return outages.some((outage) => fromMs <= outage.toMs && toMs >= outage.fromMs);
}
