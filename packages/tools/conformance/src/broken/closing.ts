import type { PublishOutcome, Transport } from "@postrider/core";
import { randomUUID } from "node:crypto";
import { over } from "./over.ts";
import type { BrokenTransport } from "./over.ts";

export const closeFaults: readonly BrokenTransport[] = [
  {
    name: "hangs on close",
    fault: "closes, and never says so",
    breaks: (inner) =>
      over(inner, {
        close: async () => {
          await inner.close();
          await new Promise<never>(() => undefined);
        },
      }),
  },
  {
    name: "waits for handlers at close",
    fault: "does not close while deliveries are unsettled",
    breaks: waitsForHandlers,
  },
  {
    name: "closes once",
    fault: "fails when it is closed again, or closed before it was connected",
    breaks: (inner) => {
      let opened = false;
      return over(inner, {
        connect: async (options) => {
          await inner.connect(options);
          opened = true;
        },
        close: async () => {
          if (!opened) throw new Error("not open");
          opened = false;
          await inner.close();
        },
      });
    },
  },
  {
    name: "opens once",
    fault: "stays closed after its first close",
    breaks: (inner) => {
      let closed = false;
      return over(inner, {
        connect: async (options) => {
          if (closed) throw new Error("closed");
          await inner.connect(options);
        },
        close: async () => {
          if (inner.state() === "ready") closed = true;
          await inner.close();
        },
      });
    },
  },
  {
    name: "leaks a timer",
    fault: "leaves a timer running after close",
    breaks: (inner) =>
      over(inner, {
        close: async () => {
          await inner.close();
          setTimeout(() => undefined, 3_000);
        },
      }),
  },
  {
    name: "leaks a listener",
    fault: "leaves a listener on the process after close",
    breaks: (inner) =>
      over(inner, {
        close: async () => {
          await inner.close();
          const [event, listener] = [`leak-${randomUUID()}`, (): void => undefined];
          process.on(event, listener);
          // Only for as long as it takes to be seen.
          setTimeout(() => process.off(event, listener), 3_000).unref();
        },
      }),
  },
  {
    name: "publishes after close",
    fault: "confirms what is published after close",
    breaks: (inner) => {
      const answer = (count: number): readonly PublishOutcome[] =>
        Array.from({ length: count }, () => ({ status: "confirmed" }));
      return over(inner, {
        publish: async (batch, bounds) =>
          inner.state() === "closed" ? answer(batch.length) : inner.publisher.publish(batch, bounds),
      });
    },
  },
  {
    name: "abandons publishes at close",
    fault: "leaves publishes that are under way at close without an answer",
    breaks: (inner) => {
      let closing = false;
      return over(inner, {
        connect: async (options) => {
          closing = false;
          await inner.connect(options);
        },
        publish: async (batch, bounds) => {
          const begunOpen = !closing;
          const outcomes = await inner.publisher.publish(batch, bounds);
          if (begunOpen && closing) await new Promise<never>(() => undefined);
          return outcomes;
        },
        close: async () => {
          closing = true;
          await inner.close();
        },
      });
    },
  },
];

/** Never closes the inner transport then: only for brokers that nobody needs any more when the suite has ended. */
function waitsForHandlers(inner: Transport): Transport {
  let unsettled = 0;
  return over(inner, {
    subscribe: (request, receive) =>
      inner.consumer.subscribe(request, (delivery) => {
        unsettled += 1;
        receive({
          message: delivery.message,
          attempt: delivery.attempt,
          redelivered: delivery.redelivered,
          origin: delivery.origin,
          signal: delivery.signal,
          settle: async (settlement) => {
            await delivery.settle(settlement);
            unsettled -= 1;
          },
        });
      }),
    close: async () => {
      if (unsettled > 0) await new Promise<never>(() => undefined);
      await inner.close();
    },
  });
}
