import type { Transport } from "@postrider/core";
import { over, overSubscription } from "./over.ts";
import type { BrokenTransport } from "./over.ts";

export const connectFaults: readonly BrokenTransport[] = [
  {
    name: "connects each time",
    fault: "opens another connection at each connect",
    breaks: (inner) => {
      const listeners = new Set<Parameters<Transport["onState"]>[0]>();
      return over(inner, {
        connect: async (options) => {
          const again = inner.state() === "ready";
          await inner.connect(options);
          if (again) for (const tell of listeners) quietly(() => tell("ready", undefined));
        },
        onState: (listener) => {
          const end = inner.onState(listener);
          listeners.add(listener);
          return () => {
            listeners.delete(listener);
            end();
          };
        },
      });
    },
  },
  {
    name: "connects to nothing",
    fault: "resolves connect although nobody answers",
    breaks: (inner) =>
      over(inner, { connect: async (options) => inner.connect(options).catch(() => undefined) }),
  },
  {
    name: "trips over listeners",
    fault: "lets a state listener that throws break connect",
    breaks: (inner) => {
      let thrown: Error | undefined;
      return over(inner, {
        onState: (listener) =>
          inner.onState((state, cause) => {
            try {
              listener(state, cause);
            } catch (error) {
              thrown = new Error("a listener threw", { cause: error });
            }
          }),
        connect: async (options) => {
          await inner.connect(options);
          if (thrown !== undefined) throw thrown;
        },
      });
    },
  },
  {
    name: "listens for ever",
    fault: "goes on telling a listener that was taken away",
    breaks: (inner) =>
      over(inner, {
        onState: (listener) => {
          inner.onState(listener);
          return () => undefined;
        },
      }),
  },
  {
    name: "changes its mind",
    fault: "makes new capabilities at each look, which anybody can change",
    breaks: (inner) => over(inner, { capabilities: () => ({ ...inner.capabilities }) }),
  },
  {
    name: "promises too much",
    fault: "loses a capability when it connects",
    breaks: (inner) => {
      const fewer = Object.freeze({ ...inner.capabilities, fanOut: false, replay: false });
      return over(inner, { capabilities: () => (inner.state() === "ready" ? fewer : inner.capabilities) });
    },
  },
  {
    name: "loses subscriptions in an outage",
    fault: "comes back from an outage without its subscriptions",
    breaks: (inner) =>
      over(inner, {
        subscribe: async (request, receive) => {
          let lost = false;
          const end = inner.onState((state) => {
            if (state === "reconnecting") lost = true;
          });
          const subscription = await inner.consumer.subscribe(request, (delivery) => {
            if (!lost) receive(delivery);
          });
          return overSubscription(subscription, {
            close: () => {
              end();
              return subscription.close();
            },
          });
        },
      }),
  },
];

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // A listener that throws is another fault's matter.
  }
}
