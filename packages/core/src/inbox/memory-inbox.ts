/**
 * An inbox of this process alone: it drops second copies while it remembers them, and forgets all at a restart. For
 * effects that tolerate that, and for tests.
 */
export interface MemoryInbox {
  /**
   * Those of the ids that are to be worked on now; the others are duplicates. Waits while other copies are being worked
   * on: their success makes one a duplicate, their failure lets it run. An id given twice counts once.
   */
  claim(messageIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** The work on a claimed id has ended. */
  settle(messageId: string, how: "worked" | "failed"): void;
}

/** Remembers the last `capacity` ids. */
export function createMemoryInbox(capacity: number): MemoryInbox {
  const worked = new Set<string>();
  const running = new Map<string, { readonly ended: Promise<void>; end(): void }>();

  const claimOne = async (messageId: string): Promise<boolean> => {
    for (let other = running.get(messageId); other !== undefined; other = running.get(messageId))
      await other.ended;
    if (worked.has(messageId)) return false;
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    running.set(messageId, { ended, end });
    return true;
  };

  return {
    claim: async (messageIds) => {
      const claimed = new Set<string>();
      // In one order everywhere: two batches with the same ids wait for each other one way only.
      for (const id of [...new Set(messageIds)].sort()) if (await claimOne(id)) claimed.add(id);
      return claimed;
    },
    settle: (messageId, how) => {
      running.get(messageId)?.end();
      running.delete(messageId);
      if (how === "failed") return;
      worked.add(messageId);
      const [oldest] = worked;
      if (worked.size > capacity && oldest !== undefined) worked.delete(oldest);
    },
  };
}
