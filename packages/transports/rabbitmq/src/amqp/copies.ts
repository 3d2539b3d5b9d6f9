import { isMessagingError, OptionsError, type OutgoingMessage, type PublishOutcome } from "@postrider/core";
import type { ConsumeMessage } from "amqplib";
import { toNativeCopy, toNativeLetter, type NativeMessage } from "../mapping.ts";
import type { ResolvedOptions } from "../options.ts";
import { tooLargeError } from "../publisher.ts";
import type { Topology, WorkQueue } from "../topology.ts";
import { unavailableError } from "../errors.ts";
import type { Parcel } from "./job.ts";
import type { Link } from "./link.ts";
import type { Sender } from "./sender.ts";
import { tierOf } from "./tiers.ts";

/** Confirmed copies of what was consumed: for another attempt, back to its queue, or as a dead letter. */
export interface Copies {
  /** Another attempt, of this number, not before `delayMs`. */
  retry(queue: WorkQueue, message: ConsumeMessage, attempt: number, delayMs: number): Promise<void>;
  /** Each back to the end of its queue, with the attempt it has. Answers which of them are confirmed, in order. */
  giveBack(queue: WorkQueue, copies: readonly Copy[], deadlineMs: number): Promise<readonly boolean[]>;
  deadLetter(deadLetters: string, letter: OutgoingMessage): Promise<void>;
  /** Wait queues are made sure of anew on the next connection. */
  forget(): void;
}

export interface Copy {
  readonly message: ConsumeMessage;
  readonly attempt: number;
}

/** A settlement that the broker does not take in this time is said again by core. */
const settleDeadlineMs = 30_000;

export function createCopies(
  sender: Sender,
  consuming: Link,
  topology: Topology,
  options: ResolvedOptions,
): Copies {
  const waits = new Map<string, Promise<string>>();
  const { namePrefix, retryDelaysMs, attributePrefix, maxMessageBytes } = options;

  const send = async (parcel: Parcel): Promise<void> => {
    const [outcome] = await sender.send([parcel], "batch", { deadlineMs: settleDeadlineMs });
    if (outcome !== undefined && outcome.status !== "confirmed") throw outcome.error;
  };
  const waitQueue = (queue: WorkQueue, delayMs: number): Promise<string> => {
    const tierMs = tierOf(delayMs, retryDelaysMs);
    if (tierMs === undefined) {
      const mostMs = retryDelaysMs.at(-1);
      throw new OptionsError("Settlement 'retry'", [
        `delayMs: is ${delayMs}, and the longest wait queue has ${mostMs}`,
      ]);
    }
    const key = `${queue.name} ${tierMs}`;
    const known = waits.get(key);
    if (known !== undefined) return known;
    const model = consuming.model();
    if (model === undefined) throw unavailableError();
    const asked = topology.wait(model, queue, tierMs);
    waits.set(key, asked);
    asked.catch(() => waits.delete(key));
    return asked;
  };

  return {
    retry: async (queue, message, attempt, delayMs) => {
      const native = toNativeCopy(message, attempt, namePrefix);
      const to = delayMs === 0 ? queue.name : await waitQueue(queue, delayMs);
      try {
        await send(parcelTo(to, native));
      } catch (error) {
        // It may have been deleted: asked for anew, it is made again.
        waits.clear();
        throw error;
      }
    },
    giveBack: async (queue, copies, deadlineMs) => {
      const parcels = copies.map(({ message, attempt }) =>
        parcelTo(queue.name, toNativeCopy(message, attempt, namePrefix)),
      );
      const outcomes = await sender.send(parcels, "batch", { deadlineMs });
      return outcomes.map(({ status }: PublishOutcome) => status === "confirmed");
    },
    deadLetter: async (deadLetters, letter) => {
      if (letter.sizeBytes > maxMessageBytes) throw tooLargeError(letter, maxMessageBytes);
      const parcel = parcelTo(deadLetters, toNativeLetter(letter, attributePrefix));
      try {
        await send(parcel);
      } catch (error) {
        const model = consuming.model();
        if (!isMessagingError(error, "TRANSPORT_UNROUTABLE") || model === undefined) throw error;
        // Somebody has deleted the queue: made again, or missed where it may not be made.
        await topology.deadLetters(model, deadLetters);
        await send(parcel);
      }
    },
    forget: () => waits.clear(),
  };
}

/** By the default exchange, which knows every queue by its name. */
function parcelTo(queue: string, { content, properties }: NativeMessage): Parcel {
  return { exchange: "", routingKey: queue, content, properties: { ...properties, mandatory: true } };
}

/** How long copies may take that only save an attempt from being counted. */
export const giveBackDeadlineMs = 5_000;
