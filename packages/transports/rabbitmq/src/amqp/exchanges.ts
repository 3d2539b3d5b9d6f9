import type { MessagingError } from "@postrider/core";
import type { ChannelModel } from "amqplib";
import { toTransportError } from "../errors.ts";
import type { Link } from "./link.ts";

/** Which exchanges are known to be there, on this connection. */
export interface Exchanges {
  /** False while it is asked for; the listener hears how that ends. What goes there waits, to keep its order. */
  isReady(name: string): boolean;
  /** It is asked for anew before the next message goes there. */
  forget(name: string): void;
  clear(): void;
}

export interface ExchangesListener {
  ready(): void;
  missing(name: string, error: MessagingError): void;
}

export function createExchanges(
  link: Link,
  makeSure: (model: ChannelModel, name: string) => Promise<void>,
  listener: ExchangesListener,
): Exchanges {
  const known = new Map<string, "ready" | "asked">();

  const askFor = (name: string): void => {
    const model = link.model();
    if (model === undefined) return;
    known.set(name, "asked");
    makeSure(model, name).then(
      () => {
        if (link.model() === model) known.set(name, "ready");
        listener.ready();
      },
      (error: unknown) => {
        known.delete(name);
        if (link.model() === model)
          listener.missing(name, toTransportError(error, `The exchange '${name}' is not to be had`));
        listener.ready();
      },
    );
  };

  return {
    isReady: (name) => {
      if (name === "") return true;
      const state = known.get(name);
      if (state === undefined) askFor(name);
      return state === "ready";
    },
    forget: (name) => {
      known.delete(name);
    },
    clear: () => {
      known.clear();
    },
  };
}
