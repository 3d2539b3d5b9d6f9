/** Events go to whoever cares, commands to one owner, queries ask and are answered. */
export type MessageKind = "event" | "command" | "query";

/**
 * A received, decoded and validated message: a plain CloudEvent with typed data.
 *
 * A type alias of an object literal on purpose: only those get the implicit index signature that makes them
 * assignable to `CloudEventV1<T>` of the `cloudevents` package. Members are exactly the attribute names of
 * CloudEvents 1.0 and of its tracing, partitioning and correlation extensions; other extensions stand in the
 * handler's context.
 */
export type Message<Type extends string = string, Data = unknown> = {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: Type;
  /** RFC 3339, as on the wire. Absent when the producer gave none. */
  readonly time?: string;
  readonly subject?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly partitionkey?: string;
  readonly correlationid?: string;
  readonly causationid?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly data: Data;
};
