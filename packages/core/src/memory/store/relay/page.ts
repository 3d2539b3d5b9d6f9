import type { PageBounds } from "../../../contracts/relay-store.ts";
import type { SealedEvent } from "../../../contracts/sealed-event.ts";

/** The first rows that are within the bounds, and one row however large it is. */
export function pageOf<Row extends SealedEvent>(rows: Iterable<Row>, bounds: PageBounds): Row[] {
  const page: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += row.payload?.byteLength ?? 0;
    if (page.length === bounds.maxRows || (page.length > 0 && bytes > bounds.maxBytes)) break;
    page.push(row);
  }
  return page;
}
