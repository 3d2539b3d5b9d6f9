import type { Clock } from "@postrider/core";
import type { Job } from "./job.ts";

/** Ends jobs whose time is over. One timer for all of them: a timer for each would cost more than a publish. */
export interface DeadlineSweep {
  watch(job: Job): void;
  forget(job: Job): void;
  jobs(): readonly Job[];
}

export function createDeadlineSweep(clock: Clock, expire: (job: Job) => void): DeadlineSweep {
  const jobs = new Set<Job>();
  let armedForMs = Infinity;
  let disarm = (): void => undefined;

  const arm = (dueMs: number): void => {
    if (dueMs >= armedForMs) return;
    disarm();
    armedForMs = dueMs;
    disarm = clock.schedule(Math.max(0, dueMs - clock.monotonicMs()), sweep);
  };
  const sweep = (): void => {
    armedForMs = Infinity;
    const nowMs = clock.monotonicMs();
    let nextMs = Infinity;
    for (const job of [...jobs]) {
      if (job.expiresAtMs <= nowMs) expire(job);
      else nextMs = Math.min(nextMs, job.expiresAtMs);
    }
    arm(nextMs);
  };

  return {
    watch: (job) => {
      jobs.add(job);
      arm(job.expiresAtMs);
    },
    forget: (job) => {
      jobs.delete(job);
      if (jobs.size > 0) return;
      // Nothing is left that a timer would be for.
      disarm();
      armedForMs = Infinity;
    },
    jobs: () => [...jobs],
  };
}
