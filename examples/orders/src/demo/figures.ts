/** What came of a run, as `--json` prints it. */
export interface Figures {
  readonly broker: string;
  readonly store: string;
  /** Orders answered with 201. */
  readonly placed: number;
  /** Distinct events that a group of its own has seen. */
  readonly published: number;
  /** Rows that shipping wrote as messages came in, duplicates and retries included. */
  readonly deliveries: number;
  readonly duplicatesInjected: number;
  readonly duplicatesDropped: number;
  readonly deadLettered: number;
  /** Rows in the table of shipments. */
  readonly effects: number;
  /** Committed orders without a shipment. */
  readonly lost: number;
  /** Processes killed on the way. */
  readonly kills: number;
  readonly seconds: number;
}

/** What is wrong with a run, in words; nothing for a good one. `unfinished`: what was still waited for at the end. */
export function problemsOf({ placed, effects, lost }: Figures, unfinished: string | undefined): string[] {
  return [
    ...(lost === 0 ? [] : [`${lost} of ${placed} orders have no shipment`]),
    ...(effects === placed ? [] : [`${effects} shipments were made of ${placed} orders`]),
    ...(unfinished === undefined ? [] : [`waited in vain for ${unfinished}`]),
  ];
}
