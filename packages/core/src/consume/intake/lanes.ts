/**
 * Key lanes: what shares a key starts one after another, in the order it came; everything else side by side.
 * A lane hands over a run of works at once when they can share one batch.
 */
export interface Lanes<W> {
  /** Starts it now, or when the lane of its key is free. */
  add(work: W): void;
  /** The work has ended: the lane goes on. */
  done(work: W): void;
  /** Takes out what has not started and waits for this work. */
  clearBehind(work: W): W[];
  /** Takes out everything that has not started. */
  clear(): W[];
}

export interface LaneRules<W> {
  keyOf(work: W): string | undefined;
  start(works: readonly W[]): void;
  /** Whether `next` may start together with `running` of the same key, in one batch that is still open. */
  joins(running: W, next: W): boolean;
}

interface Lane<W> {
  running: W[];
  readonly waiting: W[];
}

export function createLanes<W>(rules: LaneRules<W>): Lanes<W> {
  const lanes = new Map<string, Lane<W>>();

  const startNext = (key: string, lane: Lane<W>): void => {
    const first = lane.waiting.shift();
    if (first === undefined) {
      lanes.delete(key);
      return;
    }
    lane.running = [first];
    rules.start(lane.running);
    joinWaiting(lane);
  };
  const joinWaiting = (lane: Lane<W>): void => {
    for (let next = lane.waiting[0]; next !== undefined; next = lane.waiting[0]) {
      const last = lane.running.at(-1);
      if (last === undefined || !rules.joins(last, next)) return;
      lane.waiting.shift();
      lane.running.push(next);
      rules.start([next]);
    }
  };

  return {
    add: (work) => {
      const key = rules.keyOf(work);
      if (key === undefined) {
        rules.start([work]);
        return;
      }
      const lane = lanes.get(key);
      if (lane === undefined) {
        const fresh: Lane<W> = { running: [], waiting: [work] };
        lanes.set(key, fresh);
        startNext(key, fresh);
      } else {
        lane.waiting.push(work);
        if (lane.waiting.length === 1) joinWaiting(lane);
      }
    },
    done: (work) => {
      const key = rules.keyOf(work);
      const lane = key === undefined ? undefined : lanes.get(key);
      if (key === undefined || lane === undefined) return;
      lane.running = lane.running.filter((one) => one !== work);
      if (lane.running.length === 0) startNext(key, lane);
    },
    clearBehind: (work) => {
      const key = rules.keyOf(work);
      return (key === undefined ? undefined : lanes.get(key))?.waiting.splice(0) ?? [];
    },
    clear: () => [...lanes.values()].flatMap((lane) => lane.waiting.splice(0)),
  };
}
