import type { Clock } from "./contracts/clock.ts";
import type { Logger } from "./contracts/logger.ts";
import { toError } from "./errors.ts";
import { within } from "./within.ts";

/** Something that ends, given the milliseconds that are left for what is under way. */
export interface ClosingPart {
  readonly name: string;
  close(drainMs: number): Promise<void> | undefined;
}

/** How long the parts may take after `drainMs` to roll back, give back and say goodbye, together. */
const lastWordsMs = 1_500;
/** And the transport, from which the others still want something till then. */
const transportMs = 500;

/**
 * Closes the parts one after another, and the transport at the end, in `drainMs` and two seconds whatever hangs. Each
 * gets what the ones before it have left of `drainMs`; when that is over, the next begins beside those that still
 * unwind. What does not end in time is left to itself, and said. Fails with the first failure, after all of them.
 */
export async function closeInOrder(
  parts: readonly ClosingPart[],
  transport: ClosingPart,
  drainMs: number,
  clock: Clock,
  logger: Logger,
): Promise<void> {
  const fromMs = clock.monotonicMs();
  const leftMs = (ofMs: number) => Math.max(0, fromMs + ofMs - clock.monotonicMs());
  const failures: Error[] = [];
  const begin = (part: ClosingPart): Promise<void> =>
    (async () => part.close(leftMs(drainMs)))().catch(
      (thrown: unknown) => void failures.push(toError(thrown)),
    );
  const patient = async ({ name }: ClosingPart, closing: Promise<void>, untilMs: number): Promise<void> => {
    if (await within(clock, leftMs(untilMs), closing)) return;
    logger.warn("A close did not wait any longer for a part that does not end", { part: name, drainMs });
  };

  const closing: { readonly part: ClosingPart; readonly ended: Promise<void> }[] = [];
  for (const part of parts) {
    const ended = begin(part);
    closing.push({ part, ended });
    await within(clock, leftMs(drainMs), ended);
  }
  await Promise.all(closing.map(({ part, ended }) => patient(part, ended, drainMs + lastWordsMs)));
  await patient(transport, begin(transport), drainMs + lastWordsMs + transportMs);
  const [first] = failures;
  if (first !== undefined) throw first;
}
