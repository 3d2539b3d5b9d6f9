import { isMessagingError, MessagingError } from "../../errors.ts";

/** Two transactions wait for each other: this one is given up, and can be run again. */
export function deadlockError(): MessagingError {
  return new MessagingError(
    "STORE_FAILED",
    "This transaction waits for a row of another one that waits for this one (deadlock): run it again",
    { context: { reason: "deadlock" } },
  );
}

/** What the transaction read has been changed since by another one that committed. */
export function serializationError(): MessagingError {
  return new MessagingError(
    "STORE_FAILED",
    "What this transaction read was changed before it committed (serialization failure): run it again",
    { context: { reason: "serialization" } },
  );
}

/** The store was cleared while the transaction ran. */
export function clearedError(): MessagingError {
  return new MessagingError("STORE_FAILED", "The memory store was cleared while this transaction ran", {
    context: { reason: "cleared" },
    retryable: false,
  });
}

export function overlappingSavepointsError(): MessagingError {
  return new MessagingError(
    "STORE_FAILED",
    "Two savepoints of one transaction overlapped: await each before you begin the next",
    { context: { reason: "savepoint" }, retryable: false },
  );
}

export function noSqlError(): MessagingError {
  return new MessagingError(
    "USAGE_WRONG_KIND",
    "The memory store knows no SQL: pass the `tx` that its own transaction() gives, as it is",
  );
}

export function leaseLostError(epoch: number): MessagingError {
  return new MessagingError("STORE_LEASE_LOST", "The lease of this outbox was taken over. Acquire it anew.", {
    context: { epoch },
  });
}

/** True for what a second run of the whole transaction can get past. */
export function isRetryable(error: unknown): boolean {
  return (
    isMessagingError(error, "STORE_FAILED") &&
    ["deadlock", "serialization"].includes(String(error.context["reason"]))
  );
}
