import type { Clock, MessagingError } from "@postrider/core";
import type { Redis } from "ioredis";
import { toTransportError } from "../errors.ts";
import type { Link } from "./link.ts";

/** Which channels are known to be there and spread as we take them to be, on this connection. */
export interface Channels {
  /** False while it is asked for; the listener hears how that ends. What goes there waits, to keep its order. */
  isReady(name: string): boolean;
  clear(): void;
}

export interface ChannelsListener {
  ready(): void;
  missing(name: string, error: MessagingError): void;
}

const askAgainMs = 100;

export function createChannels(
  link: Link,
  clock: Clock,
  makeSure: (client: Redis, name: string) => Promise<void>,
  listener: ChannelsListener,
): Channels {
  const known = new Map<string, "ready" | "asked">();

  const askFor = (name: string): void => {
    const client = link.client();
    if (client === undefined) return;
    known.set(name, "asked");
    makeSure(client, name).then(
      () => {
        if (link.client() === client) known.set(name, "ready");
        listener.ready();
      },
      (error: unknown) => {
        if (link.client() !== client) return listener.ready();
        const failure = toTransportError(error, `The channel '${name}' is not to be had`);
        if (!failure.retryable) {
          known.delete(name);
          listener.missing(name, failure);
          return listener.ready();
        }
        // Full or the like: what goes there waits, and others wait behind it.
        clock.schedule(askAgainMs, () => {
          if (link.client() !== client) return;
          known.delete(name);
          listener.ready();
        });
      },
    );
  };

  return {
    isReady: (name) => {
      const state = known.get(name);
      if (state === undefined) askFor(name);
      return state === "ready";
    },
    clear: () => {
      known.clear();
    },
  };
}
