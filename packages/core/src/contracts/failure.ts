/** An error that says what happened and whether trying again can help. `MessagingError` is the library's own. */
export interface CodedError extends Error {
  /** One code of the errors table, `TRANSPORT_UNAVAILABLE` for example. */
  readonly code: string;
  /** True when the same call can succeed later with nothing changed by a person. */
  readonly retryable: boolean;
}
