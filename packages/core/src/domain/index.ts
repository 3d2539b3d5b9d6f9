export { defineDomainEvent } from "./domain-event.ts";
export type { DomainEvent, DomainEventDefinition, DomainEventOptions } from "./domain-event.ts";
export { createRecorder } from "./recorder.ts";
export type { Recorder, RecordsEvents } from "./recorder.ts";
export { Aggregate } from "./aggregate.ts";
