import type { Clock } from "../../contracts/clock.ts";
import { createCollector, type Collector } from "./collector.ts";
import type { ResolvedConsumer } from "../definition.ts";
import { createLanes, type Lanes } from "./lanes.ts";
import type { Process } from "../settle/process.ts";
import { laneOf, type End, type Work } from "../work.ts";

/** Where works wait for their turn: in the lane of their key, and then until their batch is full or old enough. */
export interface Stages {
  accept(work: Work): void;
  /** Lets what is being collected begin, and takes out everything else that has not. */
  close(): readonly Work[];
}

export interface StagesParts {
  readonly consumer: ResolvedConsumer;
  readonly clock: Clock;
  /** Sees works through that share a handler call. */
  readonly run: Process;
  /** Gets what must go back to the broker, since the one before it in its lane went. */
  readonly giveBack: (works: readonly Work[]) => void;
  readonly track: (task: Promise<void>) => void;
}

export function createStages({ consumer, clock, run, giveBack, track }: StagesParts): Stages {
  const collectors = new Map<Work["route"], Collector<Work>>();

  const ended = (work: Work, end: End): void => {
    if (end === "returned") giveBack(lanes.clearBehind(work));
    lanes.done(work);
  };
  const begin = (works: readonly Work[]): void => track(run(works, ended));
  for (const route of consumer.routes.values()) {
    if (route.mode === "batch") collectors.set(route, createCollector<Work>(clock, route, begin));
  }
  const lanes: Lanes<Work> = createLanes({
    keyOf: (work) => laneOf(consumer.ordering, work),
    joins: (active, next) =>
      active.route === next.route && collectors.get(next.route)?.holds(active) === true,
    start: (works) => {
      for (const work of works) {
        const collector = collectors.get(work.route);
        if (collector === undefined) begin([work]);
        else collector.add(work);
      }
    },
  });

  return {
    accept: lanes.add,
    close: () => {
      for (const collector of collectors.values()) collector.flush();
      return lanes.clear();
    },
  };
}
