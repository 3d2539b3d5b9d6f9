import type { MessagingError, OutgoingMessage } from "@postrider/core";
import type { Redis } from "ioredis";
import { toTransportError, unavailableError } from "../errors.ts";
import { type NativeMessage, toNativeCopy, toNativeLetter } from "../mapping.ts";
import { tooLargeError } from "../publisher.ts";
import { run } from "./call.ts";
import { type Fetched, isOwnOf } from "./fetched.ts";
import type { Link } from "./link.ts";

/** What stands in for an entry that is acknowledged without being done: a copy, or a dead letter. In one step each. */
export interface Copies {
  /** Resolves when the copy is stored; what is not ours any more is left alone. */
  retry(fetched: Fetched, attempt: number, delayMs: number): Promise<void>;
  deadLetter(fetched: Fetched, letter: OutgoingMessage): Promise<void>;
}

export interface CopiesParts {
  readonly link: Link;
  readonly group: string;
  readonly deadLetters: string;
  readonly maxMessageBytes: number;
  /** Something waits, and is due then. */
  readonly onParked: (delayMs: number) => void;
}

export function createCopies({ link, group, deadLetters, maxMessageBytes, onParked }: CopiesParts): Copies {
  const client = (): Redis => {
    const live = link.client();
    if (live === undefined) throw unavailableError();
    return live;
  };
  const ownership = (fetched: Fetched): "own" | "shared" => (isOwnOf(fetched) ? "own" : "shared");

  return {
    retry: async (fetched, attempt, delayMs) => {
      const { entry, queue, stream, holder } = fetched;
      const copy: NativeMessage = toNativeCopy(entry, attempt, queue.channel);
      const waitMs = Math.ceil(delayMs);
      try {
        await run(
          client(),
          "again",
          [stream, queue.retry, queue.parked, queue.due],
          [group, holder, entry.id, waitMs, ownership(fetched), ...copy.fields],
        );
      } catch (error) {
        throw toTransportError(error, "The message cannot be put back");
      }
      if (waitMs > 0) onParked(waitMs);
    },
    deadLetter: async (fetched, letter) => {
      if (letter.sizeBytes > maxMessageBytes) throw tooLargeError(letter, maxMessageBytes);
      const { entry, stream, holder } = fetched;
      const { fields } = toNativeLetter(letter);
      try {
        await run(
          client(),
          "deadLetter",
          [stream, deadLetters],
          [group, holder, entry.id, ownership(fetched), ...fields],
        );
      } catch (error) {
        throw explained(error, group);
      }
    },
  };
}

function explained(error: unknown, group: string): MessagingError {
  return toTransportError(error, `The dead letter of '${group}' cannot be written`);
}
