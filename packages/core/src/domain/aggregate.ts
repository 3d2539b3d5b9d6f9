import type { DomainEvent } from "./domain-event.ts";
import { createRecorder, type RecordsEvents } from "./recorder.ts";

/** A base class for aggregates that like one: a recorder, and nothing else. `createRecorder` does without. */
export abstract class Aggregate implements RecordsEvents {
  readonly #recorder = createRecorder();

  /** Keeps what happened until the unit of work asks for it. */
  protected record(...events: readonly DomainEvent[]): void {
    this.#recorder.record(...events);
  }

  /** What was recorded since the last call; the unit of work asks, and then it is forgotten here. */
  takeRecorded(): readonly DomainEvent[] {
    return this.#recorder.takeRecorded();
  }
}
