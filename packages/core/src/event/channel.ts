/**
 * The channel of a type that names none: the type without its last two segments, so that the events of one aggregate
 * share a channel and keep their order across types on every broker. `com.acme.orders.order-placed.v1` goes to
 * `com.acme.orders`. A type of one or two segments is its own channel.
 */
export function defaultChannel(type: string): string {
  const segments = type.split(".");
  return segments.length > 2 ? segments.slice(0, -2).join(".") : type;
}

/** What every broker can carry as an address: letters, digits, dot, hyphen and underscore, 200 at most. */
export function problemOfChannel(channel: unknown): string | undefined {
  if (typeof channel !== "string" || channel === "") return "must be a non-empty string";
  if (channel.length > 200) return "must not be longer than 200 characters";
  if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(channel)) {
    return "may only hold letters, digits, '-' and '_' in segments separated by '.'";
  }
  return undefined;
}
