/** Why the broker said no. */
export type RefusalReason =
  | "stopped"
  | "message-too-large"
  | "queue-full"
  | "dead-letters-full"
  | "channel-missing"
  | "ordering-conflict";

/** The broker's own error: what its clients get to see, before a transport gives it a code. */
export class BrokerRefusal extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.name = "BrokerRefusal";
    this.reason = reason;
  }
}
