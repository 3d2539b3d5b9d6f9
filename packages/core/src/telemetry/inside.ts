import { context, type Context } from "@opentelemetry/api";

/** Runs `call`; when it throws, counts that and answers `otherwise`. */
export type Guard = <T>(call: () => T, otherwise: T) => T;

/**
 * Runs `work` with this context active, and without it when the API fails: what the work returns or throws is its own
 * in every case, and it runs once.
 */
export function runInside<R>(guard: Guard, inside: () => Context, work: () => R): R {
  let end: (() => R) | undefined;
  const run = (): void => {
    end = endOf(work);
  };
  guard(() => context.with(inside(), run), undefined);
  return (end ?? endOf(work))();
}

function endOf<R>(work: () => R): () => R {
  try {
    const result = work();
    return () => result;
  } catch (thrown) {
    return () => {
      throw thrown;
    };
  }
}
