// Publishes to the sink and waits for its word. What it is not told in time is unknown, as with any broker.
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { MessagingError } from "@postrider/core";

/** @returns {import("@postrider/core").Transport} */
export function sinkTransport(port) {
  const waiting = new Map();
  let socket;
  let last = 0;
  let state = "closed";
  const listeners = new Set();
  const become = (next) => {
    state = next;
    for (const listener of listeners) listener(next, undefined);
  };
  const send = (messages, { deadlineMs }) =>
    new Promise((resolve) => {
      const n = (last += 1);
      const answer = (outcome) => {
        clearTimeout(timer);
        waiting.delete(n);
        resolve(messages.map(() => outcome));
      };
      const timer = setTimeout(() => answer(unknown), deadlineMs);
      waiting.set(n, answer);
      socket.write(`${JSON.stringify({ n, ids: messages.map(({ attributes }) => attributes.id) })}\n`);
    });

  return {
    kind: "sink",
    capabilities,
    publisher: { publish: send, publishRun: send },
    consumer: {
      subscribe: () => Promise.reject(new MessagingError("CONFIG_INVALID", "A sink gives nothing back.")),
    },
    connect: () =>
      new Promise((resolve, reject) => {
        socket = connect(port, "127.0.0.1", () => {
          become("ready");
          resolve();
        });
        socket.on("error", reject);
        socket.on("close", () => [...waiting.values()].forEach((answer) => answer(unknown)));
        const lines = createInterface({ input: socket });
        lines.on("error", () => {});
        lines.on("line", (n) => waiting.get(Number(n))?.({ status: "confirmed" }));
      }),
    close: async () => {
      become("closed");
      socket?.destroy();
    },
    state: () => state,
    onState: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const unknown = {
  status: "unknown",
  scope: "broker",
  error: new MessagingError("TRANSPORT_UNAVAILABLE", "The sink said nothing."),
};

const capabilities = Object.freeze({
  transport: "sink",
  orderingScope: "none",
  nativeDelay: false,
  nativeDeadLetter: false,
  deliveryCount: false,
  leaseExtension: false,
  nativeDedupeWindowMs: 0,
  wildcards: false,
  fanOut: false,
  replay: false,
  maxMessageBytes: 0,
  orderedPipelining: true,
  requestReply: false,
});
