/** One entry of a stream as it was read: names and values in turn. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: readonly Buffer[];
  /** How often it was given to a consumer, this time included. */
  readonly deliveries: number;
  /** It was handed over before, and given back to its place. */
  readonly returned?: boolean | undefined;
}
