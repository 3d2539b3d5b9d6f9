import { propagation, type Context } from "@opentelemetry/api";

/** The extension attribute that carries baggage through every path: outbox row, broker, retry and dead letter. */
export const baggageExtension = "baggage";

const maxLength = 4_096;

/** The allowed entries of the active baggage as one W3C string; undefined when there is none. */
export function baggageOf(context: Context, allowed: readonly string[]): string | undefined {
  if (allowed.length === 0) return undefined;
  const baggage = propagation.getBaggage(context);
  if (baggage === undefined) return undefined;
  const entries = allowed.flatMap((name) => {
    const entry = baggage.getEntry(name);
    return entry === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(entry.value)}`];
  });
  const text = entries.join(",");
  return text === "" || text.length > maxLength ? undefined : text;
}

/** The context with the allowed entries of a received baggage string; unchanged when there are none. */
export function withBaggage(context: Context, received: unknown, allowed: readonly string[]): Context {
  if (allowed.length === 0 || typeof received !== "string" || received.length > maxLength) return context;
  const entries: Record<string, { value: string }> = {};
  for (const pair of received.split(",")) {
    const entry = pair.split(";", 1)[0] ?? "";
    const at = entry.indexOf("="); // a value may hold more of them
    if (at === -1) continue;
    const name = decode(entry.slice(0, at).trim());
    if (allowed.includes(name)) entries[name] = { value: decode(entry.slice(at + 1).trim()) };
  }
  return Object.keys(entries).length === 0
    ? context
    : propagation.setBaggage(context, propagation.createBaggage(entries));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not escaped the way W3C asks: taken as it stands
  }
}
