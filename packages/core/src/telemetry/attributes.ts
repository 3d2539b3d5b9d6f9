/*
 * Every span, metric and attribute name in one place. Messaging conventions of OpenTelemetry 1.45 (status:
 * development), copied instead of imported: the incubating entry of the package may change in any release.
 */

export const attribute = {
  system: "messaging.system.name",
  /** The name before 1.45: costs nothing more and keeps older dashboards alive. */
  systemOld: "messaging.system",
  operationName: "messaging.operation.name",
  operationType: "messaging.operation.type",
  destination: "messaging.destination.name",
  group: "messaging.consumer.group.name",
  messageId: "messaging.message.id",
  conversationId: "messaging.message.conversation_id",
  bodySize: "messaging.message.body.size",
  batchCount: "messaging.batch.message_count",
  errorType: "error.type",
  eventId: "cloudevents.event_id",
  eventSource: "cloudevents.event_source",
  eventType: "cloudevents.event_type",
  eventSubject: "cloudevents.event_subject",
  eventSpecVersion: "cloudevents.event_spec_version",
  attempt: "postrider.attempt",
  outcome: "postrider.outcome",
  domainEventType: "postrider.domain_event.type",
  domainEventId: "postrider.domain_event.id",
  domainEventDepth: "postrider.domain_event.depth",
  handler: "postrider.handler",
} as const;

export const metric = {
  sent: "messaging.client.sent.messages",
  consumed: "messaging.client.consumed.messages",
  operationDuration: "messaging.client.operation.duration",
  processDuration: "messaging.process.duration",
  outcomes: "postrider.consumer.outcomes",
  parked: "postrider.relay.parked",
  relayLag: "postrider.relay.lag",
} as const;

/** Bucket bounds in seconds that the conventions ask for. */
export const durationBuckets: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
