import type { SealedEvent } from "../contracts/sealed-event.ts";
import type { Store } from "../contracts/store.ts";
import type { SqlTx, SyncSqlTx } from "../contracts/transaction.ts";
import { isDraft, type CommandDraft, type EventDraft } from "../event/draft.ts";
import { OutsideTransactionError } from "../errors.ts";
import type { Stamp } from "../publish/stamp.ts";
import { commandTo } from "../request/command.ts";
import type { UnitSendOptions } from "../work/context.ts";

/*
 * The safe way out: the event becomes a row in the transaction of the change that it tells of. Before: nothing. After
 * the caller's COMMIT: the event is as durable as the change, and the relay takes it from there.
 */

/** The result follows the transaction given: nothing to await in a synchronous one. */
export type Added<X> = X extends SyncSqlTx ? void : Promise<void>;

/** Adds events to the transaction that is open. `Tx` is the store's own; others go through `fromX(tx)`. */
export interface Outbox<Tx> {
  /**
   * Validates, seals and writes the events, in the order given, in one statement. They leave when the transaction
   * commits, and never when it rolls back.
   *
   * @throws ValidationError (CONTRACT_INVALID_DATA) before any row is written; OutsideTransactionError when certainly
   * no transaction is open; CONTRACT_ASYNC_SCHEMA in a synchronous transaction.
   */
  add<X extends Tx | SqlTx>(tx: X, ...events: readonly EventDraft[]): Added<X>;
  /**
   * A command to the one consumer that owns it, which leaves when the transaction commits. Otherwise like `add`.
   *
   * @throws OptionsError (CONFIG_INVALID) listing every problem of the options.
   */
  send<X extends Tx | SqlTx>(tx: X, command: CommandDraft, options: UnitSendOptions): Added<X>;
}

type Drafts = () => readonly EventDraft[];

export function createOutbox<Tx>(store: Store<Tx>, stamp: Stamp): Outbox<Tx> {
  const append = (tx: Tx | SqlTx, events: readonly SealedEvent[]) => store.outbox.append(tx, events);

  const addAsync = async (tx: Tx | SqlTx, verb: string, draftsOf: Drafts): Promise<void> => {
    refuseOutside(tx);
    const events = await stamp.forOutbox(draftsOf(), verb);
    if (events.length > 0) await append(tx, events);
  };
  const addSync = (tx: SyncSqlTx, verb: string, draftsOf: Drafts): void => {
    refuseOutside(tx);
    const events = stamp.forOutboxSync(draftsOf(), verb);
    if (events.length > 0) void append(tx, events);
  };
  const write = <X extends Tx | SqlTx>(tx: X, verb: string, draftsOf: Drafts): Added<X> =>
    (isSqlTx(tx) && isSync(tx) ? addSync(tx, verb, draftsOf) : addAsync(tx, verb, draftsOf)) as Added<X>;

  return {
    add: (tx, ...drafts) => write(tx, "outbox.add", () => drafts),
    send: (tx, command, options) => write(tx, "outbox.send", () => [commandTo(command, options)]),
  };
}

/** Before anything is sealed. What a store's own handle says of itself, the store knows. */
function refuseOutside(tx: unknown): void {
  // A forgotten transaction makes the first event look like one, and a single event would be nothing to write.
  const forgotten = tx === undefined || tx === null || isDraft(tx);
  if (forgotten || (isSqlTx(tx) && tx.inTransaction() === false)) throw new OutsideTransactionError();
}

function isSqlTx(tx: unknown): tx is SqlTx {
  return typeof tx === "object" && tx !== null && "mode" in tx && "execute" in tx && "inTransaction" in tx;
}

function isSync(tx: SqlTx): tx is SyncSqlTx {
  return tx.mode === "sync";
}
