import type { Capabilities } from "./capabilities.ts";
import type { Clock } from "./clock.ts";
import type { CodedError } from "./failure.ts";
import type { TransportConsumer } from "./subscription.ts";
import type { OutgoingMessage } from "./wire.ts";

/**
 * What a transport package implements: bytes in, bytes out, settle, nothing else. Validation, retries of handlers,
 * dead letter decisions, lanes, tracing and draining stand in core, once. Every sentence marked with a dash is the
 * title of a case in `@postrider/conformance`. The consume side of this page is subscription.ts.
 */
export interface Transport<C extends Capabilities = Capabilities> {
  /** `rabbitmq`, `kafka`, `nats`, `redis`, `memory`, or the name of one of your own. */
  readonly kind: string;
  /** The static minimum until `connect` has resolved, then with what was detected on the broker. Frozen either way. */
  readonly capabilities: C;
  /** Sends, and tells what became of each message. */
  readonly publisher: TransportPublisher;
  /** Subscribes, and hands deliveries over. */
  readonly consumer: TransportConsumer;
  /** - connect twice is one connection. - connect to an unreachable broker fails with TRANSPORT_UNAVAILABLE in time. */
  connect(options?: ConnectOptions): Promise<void>;
  /**
   * Ends intake, gives unsettled deliveries back, lets running publishes settle (bounded by their deadlines), closes.
   * - closing twice is safe. - close leaves no timer, socket or listener behind. - connect after close opens it again.
   */
  close(): Promise<void>;
  /** Of the connection, as far as this process knows. No call to the broker. */
  state(): ConnectionState;
  /** Tells each change of state. The returned function ends it. A listener that throws changes nothing. */
  onState(listener: (state: ConnectionState, cause: CodedError | undefined) => void): () => void;
}

/** `blocked`: connected, and the broker takes nothing now. `failed`: given up; `connect` tries anew. */
export type ConnectionState = "connecting" | "ready" | "blocked" | "reconnecting" | "failed" | "closed";

/** What bounds a `connect`. */
export interface ConnectOptions {
  /** Gives the attempt up. */
  readonly signal?: AbortSignal | undefined;
}

/** May be called concurrently. The transport shapes requests; admission (window by count and bytes) stands in core. */
export interface TransportPublisher {
  /**
   * - publish answers one outcome per message, in the order given, and never rejects.
   * - publish reports confirmed only after the broker has the message.
   * - a refused message does not take the others of its batch with it.
   * Sends an unknown outcome again with the same message id while the deadline allows; messages of one key keep their
   * order through that. After `close` every outcome is a rejection with USAGE_CLOSED.
   */
  publish(batch: readonly OutgoingMessage[], options: PublishBounds): Promise<readonly PublishOutcome[]>;
  /**
   * Publishes messages of one key, in order, as fast as the broker allows in order.
   * - publishRun confirms a prefix: after the first outcome that is not confirmed nothing later is confirmed.
   */
  publishRun(run: readonly OutgoingMessage[], options: PublishBounds): Promise<readonly PublishOutcome[]>;
}

/** What bounds a publish at the transport. */
export interface PublishBounds {
  /** How long the transport may try, in milliseconds from the call. Afterwards the outcome is `unknown` or `rejected`. */
  readonly deadlineMs: number;
  /**
   * Ends the waiting; what was sent may arrive.
   * - a publish whose signal is already aborted is not sent, and answers all the same. Each outcome is `rejected` then,
   * its error TRANSPORT_DEADLINE with the signal's reason as the cause.
   */
  readonly signal?: AbortSignal | undefined;
}

/**
 * `confirmed`: the broker has it. `rejected`: it certainly has not. `unknown`: it may have it (cut, timeout).
 * `scope` tells whose fault it is: `message`, and others will pass; `broker`, and nothing will pass now.
 */
export type PublishOutcome =
  | { readonly status: "confirmed" }
  | {
      readonly status: "rejected" | "unknown";
      readonly scope: "message" | "broker";
      readonly error: CodedError;
    };

/** The one well-known export of a transport package, `transport`: config-driven loading needs no name guessing. */
export interface TransportDriver<Options = never, C extends Capabilities = Capabilities> {
  /** The name under which applications give its loader. */
  readonly kind: string;
  /** URL schemes, without the colon. */
  readonly schemes: readonly string[];
  /** What is certain before the start. */
  readonly capabilities: C;
  /**
   * A transport that is not connected yet.
   *
   * @throws OptionsError (CONFIG_INVALID) listing every problem of the options and the URL.
   */
  create(config: TransportConfig<Options>): Transport<C>;
}

/** What a driver makes a transport of. */
export interface TransportConfig<Options> {
  /** Already taken apart: several hosts are allowed (`amqp://a,b/vhost`). */
  readonly url: string | undefined;
  /** As the application's configuration holds them: check them. */
  readonly options: Options | undefined;
  /** Deadlines and waits go by it. */
  readonly clock: Clock;
}
