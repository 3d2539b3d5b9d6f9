/**
 * An inbox of this process alone: it drops second copies while it remembers them, and forgets all at a restart. For
 * effects that tolerate that, and for tests.
 */
export interface MemoryInbox {
  /**
   * True when this id is to be worked on now; false for a duplicate. Waits while another copy is being worked on:
   * its success makes this one a duplicate, its failure lets this one run.
   */
  claim(messageId: string): Promise<boolean>;
  /** The work on a claimed id has ended. */
  settle(messageId: string, worked: boolean): void;
}

/** Remembers the last `capacity` ids. */
export function createMemoryInbox(capacity: number): MemoryInbox {
  const worked = new Set<string>();
  const running = new Map<string, { readonly ended: Promise<void>; end(): void }>();

  return {
    claim: async (messageId) => {
      for (let other = running.get(messageId); other !== undefined; other = running.get(messageId))
        await other.ended;
      if (worked.has(messageId)) return false;
      let end = () => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      running.set(messageId, { ended, end });
      return true;
    },
    settle: (messageId, success) => {
      running.get(messageId)?.end();
      running.delete(messageId);
      if (!success) return;
      worked.add(messageId);
      if (worked.size <= capacity) return;
      for (const oldest of worked) {
        worked.delete(oldest);
        break;
      }
    },
  };
}
