import type { UnitOfWork } from "../work/context.ts";
import type { UntypedTransaction } from "../work/untyped.ts";

/** What belongs to one delivery of one message. */
export interface DeliveryContext {
  /** 1 on the first attempt. */
  readonly attempt: number;
  /** Headers of the message that are neither CloudEvents attributes nor the library's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** CloudEvents extensions that `Message` does not name. */
  readonly extensions: Readonly<Record<string, string | number | boolean>>;
  /** The tenant that the message carries, if any. */
  readonly tenant: string | undefined;
}

// Function properties, not methods: handlers destructure it.
/** What belongs to one run of a handler: one transaction where there is a store. */
export interface TransactionContext<Tx> extends UnitOfWork<Tx> {
  /** The consumer's name. */
  readonly consumer: string;
  /**
   * The open transaction of the store: the inbox mark, the handler's writes, what handlers of its domain events write,
   * and follow-up events commit together. Without a store there is none, and follow-up events are published when all
   * handlers have finished, and confirmed before the message is acknowledged.
   */
  readonly tx: Tx;
  /** Fires on shutdown past its deadline, on time-out, and when the delivery is no longer ours. */
  readonly signal: AbortSignal;
}

/** What a handler of single messages gets. */
export interface HandlerContext<Tx = UntypedTransaction> extends TransactionContext<Tx>, DeliveryContext {}

/** What a handler of batches gets. */
export interface BatchContext<Tx, M> extends TransactionContext<Tx> {
  /** What belongs to the delivery of this message of the batch. */
  readonly delivery: (message: M) => DeliveryContext;
  /** Takes one message out of the batch, to be retried or dead-lettered by policy; the others commit. */
  readonly fail: (message: M, error: unknown) => void;
}
