/*
 * A process that stops at a named point, so that a test can kill it there, or freeze it and let it run on later. What is
 * SQL is stopped at the server: see statement-gate.ts.
 */

/** `after-read`: before anything is sent. `after-publish`: the broker has confirmed, and nobody was told. */
export type PublishPoint = "after-read" | "after-publish";

/** The message that a process sends to the test that started it. */
export interface AtPoint {
  readonly at: string;
}

interface Publishes<Batch, Bounds, Outcome> {
  publish(batch: Batch, bounds: Bounds): Promise<Outcome>;
  publishRun(batch: Batch, bounds: Bounds): Promise<Outcome>;
}

/** The same publisher, which stops at `point` the first time that it gets there. */
export function stopPublishing<Batch, Bounds, Outcome>(
  publisher: Publishes<Batch, Bounds, Outcome>,
  point: PublishPoint,
): Publishes<Batch, Bounds, Outcome> {
  const stop = stopAt(point);
  const around =
    (send: (batch: Batch, bounds: Bounds) => Promise<Outcome>) =>
    async (batch: Batch, bounds: Bounds): Promise<Outcome> => {
      if (point === "after-read") await stop();
      const outcome = await send(batch, bounds);
      if (point === "after-publish") await stop();
      return outcome;
    };
  return {
    publish: around((batch, bounds) => publisher.publish(batch, bounds)),
    publishRun: around((batch, bounds) => publisher.publishRun(batch, bounds)),
  };
}

/**
 * What to call at the point: stops there the first time. Whoever gets there meanwhile waits as well, and nobody stops
 * when the process has been told to go on.
 */
export function stopAt(point: string): () => Promise<void> {
  let stops: Promise<void> | undefined;
  return () => (stops ??= stopHere(point));
}

/** Tells the test that this process is at the point, and waits until it is told to go on: for ever, if it is killed. */
export function stopHere(at: string): Promise<void> {
  return new Promise((resolve) => {
    process.once("message", () => resolve());
    process.send?.({ at } satisfies AtPoint);
  });
}
