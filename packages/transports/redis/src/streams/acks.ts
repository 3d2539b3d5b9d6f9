import type { Redis } from "ioredis";
import { command } from "./call.ts";
import { type Fetched, isOwnOf } from "./fetched.ts";
import type { Link } from "./link.ts";

/** Acknowledgements in company: one request is under way at a time, and the next takes all that gathered meanwhile. */
export interface Acks {
  /** Resolves when the server knows, or never will: then the message comes again. */
  add(fetched: Fetched): Promise<void>;
  /** Resolves when all are told. */
  flush(): Promise<void>;
}

/** Those that go together. */
interface Portion {
  readonly byStream: Map<string, { readonly own: boolean; readonly ids: string[] }>;
  readonly told: Promise<void>;
  readonly tell: () => void;
}

export function createAcks(link: Link, group: string): Acks {
  let gathering: Portion | undefined;
  let last: Promise<void> = Promise.resolve();

  const begin = (): Portion => {
    let tell = (): void => undefined;
    const told = new Promise<void>((resolve) => (tell = resolve));
    const portion = { byStream: new Map(), told, tell };
    // After those before, and after this turn of the event loop, in which more may be settled.
    last = last.then(nextTurn).then(() => send(portion));
    return portion;
  };

  const send = async (portion: Portion): Promise<void> => {
    if (gathering === portion) gathering = undefined;
    const client = link.client();
    try {
      if (client !== undefined) await tellServer(client, portion);
    } catch {
      // The connection is gone, or the group: what was acknowledged in vain comes again.
    }
    portion.tell();
  };

  const tellServer = async (client: Redis, { byStream }: Portion): Promise<void> => {
    const requests = [...byStream].flatMap(([stream, { own, ids }]) => [
      command(client, "XACK", [stream, group, ...ids]),
      ...(own ? [command(client, "XDEL", [stream, ...ids])] : []),
    ]);
    await Promise.all(requests);
  };

  return {
    add: (fetched) => {
      const portion = (gathering ??= begin());
      const known = portion.byStream.get(fetched.stream);
      if (known === undefined)
        portion.byStream.set(fetched.stream, { own: isOwnOf(fetched), ids: [fetched.entry.id] });
      else known.ids.push(fetched.entry.id);
      return portion.told;
    },
    flush: () => last,
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
