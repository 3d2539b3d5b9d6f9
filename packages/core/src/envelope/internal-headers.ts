/** Every header of ours begins so: attempts and delays of retries, the fields of dead letters. */
const internalHeaderPrefix = "postrider-";

/**
 * True for headers that belong to one hop of the library. They are not shown to handlers and never travel on with
 * what a handler publishes, with a dead letter or with a replay.
 */
export function isInternalHeader(name: string): boolean {
  return name.slice(0, internalHeaderPrefix.length).toLowerCase() === internalHeaderPrefix;
}

/** The headers that may travel on. */
export function withoutInternalHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isInternalHeader(name)));
}
