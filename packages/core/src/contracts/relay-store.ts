import type { CodedError } from "./failure.ts";
import type { Position, StoredEvent } from "./outbox.ts";

/** The right to relay one outbox, held by one owner at a time. */
export interface RelayLease {
  /** Who asked for it: one running relay, by an id of its own. */
  readonly owner: string;
  /** Higher than that of every lease before it, so that what a former owner writes can be told. */
  readonly epoch: number;
}

/**
 * The read side of an outbox, as the relay drives it. No transaction is open while the relay talks to a broker.
 * Rows are inserted and deleted, never updated: attempts are counted on parked rows only.
 */
export interface RelayStore {
  /**
   * The lease of this outbox: there is one, whoever asks.
   * - one owner holds the lease; another gets it when it was released or has run out, with a higher epoch.
   * - an owner that acquires its own lease anew gets a higher epoch, and the lease it had before is lost.
   */
  acquire(owner: string, leaseMs: number): Promise<RelayLease | undefined>;
  /** False when the lease is no longer ours. */
  renew(lease: RelayLease, leaseMs: number): Promise<boolean>;
  /** Gives the lease back so that a standby takes over at once. */
  release(lease: RelayLease): Promise<void>;
  /**
   * The oldest committed rows in position order, rows not yet confirmed or parked included again.
   * - a row that commits late is read whatever was read before.
   * - a page of the outbox has at most the rows and bytes asked for, and one row however large it is.
   */
  read(lease: RelayLease, bounds: PageBounds): Promise<readonly StoredEvent[]>;
  /** - confirm removes exactly these rows; removing one twice is a no-op. */
  confirm(lease: RelayLease, events: readonly StoredEvent[]): Promise<void>;
  /**
   * - park moves rows out of the outbox in one transaction: they are in one of the two places, never in both or none.
   * - a row that is parked behind nothing is due at once.
   * Fails with STORE_LEASE_LOST when the lease is no longer ours: whoever leads now would not know the held key.
   */
  park(lease: RelayLease, requests: readonly ParkRequest[]): Promise<void>;
  /** Keys with a parked row that holds them: later events of such a key must wait behind it. Read at each take-over. */
  heldKeys(lease: RelayLease): Promise<readonly HeldKey[]>;
  /**
   * Parked rows whose time has come by the store's clock, those that wait longest first.
   * - the rows that wait behind a due one come with it, in order, up to the first that waits for something else.
   * - a page of due rows has at most the rows and bytes asked for, and several keys share it.
   */
  due(lease: RelayLease, bounds: PageBounds): Promise<DueEvents>;
  /**
   * Writes down what became of due rows, all of them or none. `published` and `discarded` remove a row; where nothing
   * stands before the next of its key any more, that one is due. Answers the keys that hold nothing any more.
   * Fails with STORE_LEASE_LOST like `park`.
   */
  settleParked(lease: RelayLease, settlements: readonly ParkedSettlement[]): Promise<readonly HeldKey[]>;
  /** What waits, counted now: for people and for alerts. */
  /**
   * Nothing leaves any more, whoever leads, until `resume`: it is kept with the rows, for all processes and restarts.
   * - while the outbox is paused nothing is read and nothing is due, in no process; resume gives it all back.
   * What is on its way to the broker is confirmed all the same. Pausing twice is pausing once.
   */
  pause(): Promise<void>;
  /** Ends a pause, whoever made it. Relays go on at their next look. */
  resume(): Promise<void>;
  /** What waits, and who leads. Counts 10,000 rows of a kind at most. */
  status(): Promise<OutboxStatus>;
  /** Events that were published and kept, the oldest first; none where the store keeps no archive. */
  archived(query: ArchivedQuery): Promise<readonly ArchivedEvent[]>;
  /** Drops so many archived events at most whose time is over. Returns how many. */
  pruneArchive(maxRows: number): Promise<number>;
  /** Parked rows, oldest first, for people who look. */
  parked(query: ParkedQuery): Promise<readonly ParkedEvent[]>;
  /** Makes parked rows due now, dead ones too, with their attempts set to 0. Returns how many. */
  retryParked(positions: readonly string[]): Promise<number>;
  /** Drops parked rows for good. Returns how many. */
  discardParked(positions: readonly string[]): Promise<number>;
}

/** How much a read may bring at once, both from 1. Bytes are those of the data, and what the store finds cheap to count. */
export interface PageBounds {
  /** Rows, from 1. */
  readonly maxRows: number;
  /** Bytes of data, from 1; a single row may be larger. */
  readonly maxBytes: number;
}

/** What may leave of the parked rows. */
export interface DueEvents {
  /** In order within each key. */
  readonly events: readonly ParkedEvent[];
  /** Milliseconds until the time of another row comes; undefined when none waits for a time. */
  readonly nextInMs: number | undefined;
}

/** Order is kept inside one channel and key: the same key in two channels is two keys. */
export interface HeldKey {
  readonly channel: string;
  readonly key: string;
}

/** `held` rows wait behind a `retry` or `dead` row of their key. */
export type ParkedStatus = "retry" | "held" | "dead";

/** A row to be parked, and why. */
export interface ParkRequest {
  readonly event: StoredEvent;
  readonly status: ParkedStatus;
  /** How often the broker has refused it. */
  readonly attempts: number;
  /** Until it is due, from now by the store's clock, in milliseconds; undefined for `held` and `dead`. */
  readonly waitMs: number | undefined;
  /** What it was refused with; undefined for `held`. */
  readonly error: CodedError | undefined;
  /** Of a `dead` one: what later events of its key do. Default `hold-key`. */
  readonly onDead?: OnDead | undefined;
}

/** `skip`: later events of the key go on past a dead one. `hold-key`: they wait. */
export type OnDead = "skip" | "hold-key";

/** A parked row: the event, and what has become of it so far. */
export interface ParkedEvent extends StoredEvent {
  /** Whether it waits for its time, for an earlier one, or for a person. */
  readonly status: ParkedStatus;
  /** How often the broker refused it since it was parked or retried by a person. */
  readonly attempts: number;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly nextAttemptAtMs: number | undefined;
  /** `CODE: message` of the last failure. */
  readonly lastError: string | undefined;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly parkedAtMs: number;
}

/** A parked row that was sent, and what became of it. */
export interface ParkedSettlement {
  readonly event: ParkedEvent;
  readonly result: ParkedResult;
}

/** What became of a parked row that was due. */
export type ParkedResult =
  | { readonly kind: "published" }
  | { readonly kind: "discarded" }
  | {
      readonly kind: "retry";
      readonly attempts: number;
      /** Until it is due again, like that of a request. */
      readonly waitMs: number;
      readonly error: CodedError;
    }
  | {
      readonly kind: "dead";
      readonly attempts: number;
      readonly error: CodedError;
      readonly onDead: OnDead;
    };

/** Which parked rows to show; every condition given must hold. */
export interface ParkedQuery {
  readonly status?: ParkedStatus | undefined;
  readonly channel?: string | undefined;
  readonly key?: string | undefined;
  readonly type?: string | undefined;
  /** Only this one. */
  readonly position?: Position | undefined;
  /** Only those behind this one: for the next page. */
  readonly after?: Position | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
}

/** An event that was published and kept. Its position is one in the archive. */
export interface ArchivedEvent extends StoredEvent {
  /** Milliseconds since the epoch, by the store's clock. */
  readonly publishedAtMs: number;
}

/** Which archived events to show; every condition given must hold. */
export interface ArchivedQuery {
  /** Only those behind this one: for the next page. */
  readonly after?: Position | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
}

/** What waits in an outbox, at one moment. */
export interface OutboxStatus {
  /** Rows waiting. */
  readonly backlog: number;
  /** Of the oldest row waiting, in milliseconds by the store's clock; undefined for an empty outbox. */
  readonly oldestAgeMs: number | undefined;
  /** Parked rows, dead ones among them. */
  readonly parked: number;
  /** Parked rows that have used up their attempts. */
  readonly dead: number;
  /** Who holds the lease; undefined when nobody does. */
  readonly owner: string | undefined;
  /** Since when nothing leaves by order, milliseconds since the epoch by the store's clock; undefined when it may. */
  readonly pausedAtMs: number | undefined;
  /**
   * Which of the numbers are not exact, since nothing counts more than 10,000 rows: the backlog is the larger of that
   * and an estimate then, the others are at least so many.
   */
  readonly inexact: readonly ("backlog" | "parked" | "dead")[];
}
