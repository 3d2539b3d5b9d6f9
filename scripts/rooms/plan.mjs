// Which rooms a transport and a store have. A new broker or database needs no entry here, unless it has a room
// that no other has: then that one is listed in `own`, so that it shows in review.

/**
 * @typedef {{
 *   group: string, folder: string, rooms: string[], optional: string[],
 *   own: Record<string, { entries?: string[], exports?: Record<string, string[]> }>,
 * }} Plan A room that ends in `/` is a folder. `own` is by package: entries and exported names only it has.
 */

/** @type {Plan[]} */
export const plans = [
  {
    group: "transports",
    folder: "packages/transports",
    rooms: [
      "index.ts",
      "transport.ts",
      "publisher.ts",
      "consumer.ts",
      "settlement.ts",
      "topology.ts",
      "connection.ts",
      "mapping.ts",
      "options.ts",
      "capabilities.ts",
      "errors.ts",
    ],
    optional: [],
    // What AMQP leaves to its clients: connections that come back, confirmed sending, channels that hold messages.
    own: { rabbitmq: { entries: ["amqp/"] }, redis: { entries: ["streams/"] } },
  },
  {
    group: "stores",
    folder: "packages/stores",
    rooms: [
      "index.ts",
      "options.ts",
      "errors.ts",
      "transaction.ts",
      "connection/",
      "schema/",
      "outbox/",
      "lease/",
      "inbox/",
    ],
    optional: ["journal/", "saga/", "events/"],
    own: {},
  },
];
