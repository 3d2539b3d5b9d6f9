/**
 * The same data, frozen, and apart from what was passed in: the list inside an aggregate must neither freeze nor change
 * the event later. Plain objects and arrays are copied; everything else (a Date, an object of a class) is taken as it
 * is, since only its class knows how to copy it.
 */
export function frozenCopy<T>(data: T): T {
  return (typeof data === "object" && data !== null ? copyOf(data, new Map()) : data) as T;
}

function copyOf(value: unknown, seen: Map<object, object>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    seen.set(value, items);
    for (const item of value as readonly unknown[]) items.push(copyOf(item, seen));
    return Object.freeze(items);
  }
  if (!isPlain(value)) return value;
  const copy: Record<string, unknown> = {};
  seen.set(value, copy);
  for (const [name, member] of Object.entries(value)) {
    // Not assigned: a member called `__proto__`, as JSON can hold one, would change what the copy is.
    Object.defineProperty(copy, name, { value: copyOf(member, seen), enumerable: true });
  }
  return Object.freeze(copy);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
