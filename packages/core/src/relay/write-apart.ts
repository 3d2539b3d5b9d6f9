import type { StoredEvent } from "../contracts/outbox.ts";
import { isMessagingError } from "../errors.ts";
import { orderKeyOf } from "./order-key.ts";

/** What was written, what the writes answered, and what could not be written. */
export interface WrittenApart<T, R> {
  readonly written: readonly T[];
  readonly answers: readonly R[];
  readonly failures: readonly { readonly one: T; readonly error: unknown }[];
}

/** So many single ones that cannot be written, and none that can: then it is the store that fails, not they. */
const mostFailures = 16;

/**
 * Writes all at once. Where that fails, halves are tried, and halves of those, so that one that cannot be written does
 * not keep the others from it; of a key nothing is written behind one that failed.
 *
 * @throws what `write` failed with, when it was not for the sake of single ones. Those not tried are left out.
 */
export async function writeApart<T extends { readonly event: StoredEvent }, R>(
  all: readonly T[],
  write: (some: readonly T[]) => Promise<R>,
): Promise<WrittenApart<T, R>> {
  const written: T[] = [];
  const answers: R[] = [];
  const failures: { one: T; error: unknown }[] = [];

  const tryToWrite = async (some: readonly T[]): Promise<unknown> => {
    try {
      answers.push(await write(some));
      written.push(...some);
      return undefined;
    } catch (error) {
      if (concernsAll(error)) throw error;
      return error ?? new Error("the store failed without a reason");
    }
  };
  const writeGroups = async (groups: readonly (readonly T[])[]): Promise<void> => {
    if (failures.length >= mostFailures) return;
    const error = await tryToWrite(groups.flat());
    if (error === undefined) return;
    const [first, ...others] = groups;
    if (first === undefined) return;
    if (others.length > 0) {
      const middle = Math.ceil(groups.length / 2);
      await writeGroups(groups.slice(0, middle));
      await writeGroups(groups.slice(middle));
    } else await writeInOrder(first, error);
  };
  /** Of one key, after all of it together failed. */
  const writeInOrder = async (group: readonly T[], reason: unknown): Promise<void> => {
    for (const one of group) {
      const error = group.length === 1 ? reason : await tryToWrite([one]);
      if (error === undefined) continue;
      failures.push({ one, error });
      return;
    }
  };

  if (all.length > 0) await writeGroups(groupsOf(all));
  const [failure] = failures;
  if (failure !== undefined && failures.length >= mostFailures && written.length === 0) throw failure.error;
  return { written, answers, failures };
}

/** By key, and each without a key alone. */
function groupsOf<T extends { readonly event: StoredEvent }>(all: readonly T[]): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const { event } = one;
    const name = event.key === undefined ? event.position : orderKeyOf(event);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [one]);
    else group.push(one);
  }
  return [...groups.values()];
}

/** No row is to blame for these. */
function concernsAll(error: unknown): boolean {
  return allAlike.some((code) => isMessagingError(error, code));
}

const allAlike = [
  "STORE_UNAVAILABLE",
  "STORE_ACCESS_REFUSED",
  "STORE_LEASE_LOST",
  "STORE_SCHEMA_MISSING",
] as const;
