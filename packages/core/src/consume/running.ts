/** The tasks under way, so that a close can wait for them. */
export interface Running {
  /** Never lets a rejection escape. */
  track(task: Promise<void>): void;
  /** Resolves when nothing runs any more, also of what began meanwhile. */
  idle(): Promise<void>;
}

export function createRunning(onFailure: (thrown: unknown) => void): Running {
  const tasks = new Set<Promise<void>>();
  return {
    track: (task) => {
      const guarded = task.catch(onFailure).then(() => void tasks.delete(guarded));
      tasks.add(guarded);
    },
    idle: async () => {
      while (tasks.size > 0) await Promise.all(tasks);
    },
  };
}
