/** What becomes of an order on its way. One order each is `watched`, `express` and `poisoned`, all others `plain`. */
type Part = "plain" | "watched" | "express" | "poisoned";

export interface PlannedOrder {
  readonly part: Part;
  /** The body of `POST /orders`. */
  readonly body: { readonly reference: string; readonly [member: string]: unknown };
}

/** The orders of one run. Made one by one: a hundred thousand of them need no memory. */
export interface Plan {
  /** Orders that are to be shipped. The poisoned one comes on top. */
  readonly count: number;
  /** How the references of this run begin: tables and brokers may still hold orders of runs before. */
  readonly referencePrefix: string;
  readonly poisonedReference: string;
  /** The order whose trace is shown. */
  readonly watchedReference: string;
  /** By index, 0 to `count`. */
  orderAt(index: number): PlannedOrder;
}

const cities: readonly (readonly [city: string, country: string])[] = [
  ["Lisbon", "PT"],
  ["Ghent", "BE"],
  ["Tampere", "FI"],
  ["Graz", "AT"],
  ["Galway", "IE"],
];

export function planRun(run: string, count: number): Plan {
  const poisonedAt = Math.ceil(count / 2);
  const partAt = (index: number): Part => {
    if (index === poisonedAt) return "poisoned";
    if (index === 0) return "watched";
    return index === count ? "express" : "plain";
  };
  const referenceAt = (index: number) => `${run}-${index + 1}`;
  return {
    count,
    referencePrefix: `${run}-`,
    poisonedReference: referenceAt(poisonedAt),
    watchedReference: referenceAt(0),
    orderAt: (index) => {
      const part = partAt(index);
      const [city, country] =
        part === "poisoned" ? ["McMurdo", "AQ"] : (cities[index % cities.length] ?? ["Bern", "CH"]);
      const delivery = part === "express" ? "express" : "standard";
      const lines = [{ sku: `SKU-${(index % 97) + 1}`, quantity: (index % 3) + 1 }];
      return {
        part,
        body: {
          customerId: `customer-${index % 50}`,
          reference: referenceAt(index),
          shipTo: { city, country },
          delivery,
          lines,
        },
      };
    },
  };
}
