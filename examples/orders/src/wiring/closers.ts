/** What has been opened so far, to be closed in the opposite order: at the end, or when the next step fails. */
export interface Closers {
  /** Right after something was opened. Throws when the run was stopped meanwhile, so that the next step is not begun. */
  add(close: () => Promise<unknown>): void;
  /** Closes everything even when one of them fails, and rejects with the first failure then. */
  closeAll(): Promise<void>;
}

export function createClosers(signal?: AbortSignal): Closers {
  const open: (() => Promise<unknown>)[] = [];
  return {
    add: (close) => {
      open.push(close);
      signal?.throwIfAborted();
    },
    closeAll: async () => {
      const failures: unknown[] = [];
      for (const close of open.splice(0).reverse())
        await close().catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** Runs a start of several steps; what it had opened is closed when a step fails, and when it is stopped between two. */
export async function started<T>(steps: (opened: Closers) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const opened = createClosers(signal);
  try {
    return await steps(opened);
  } catch (error) {
    // The failure that led here is the one to tell.
    await opened.closeAll().catch(() => undefined);
    throw error;
  }
}

/** Runs `work` and closes what it opened, however it ends. The failure of the work comes before that of closing. */
export async function closing<T>(work: (opened: Closers) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const opened = createClosers(signal);
  let result: T;
  try {
    result = await work(opened);
  } catch (error) {
    await opened.closeAll().catch(() => undefined);
    throw error;
  }
  await opened.closeAll();
  return result;
}
