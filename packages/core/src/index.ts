/// <reference types="node" preserve="true" />
// ── the table of errors
export {
  DomainEventCascadeError,
  errorCodes,
  isMessagingError,
  MessagingError,
  OptionsError,
  OutsideTransactionError,
  PublishError,
  TransactionClosedError,
  ValidationError,
} from "./errors.ts";
export type { ErrorCode, MessagingErrorOptions, ValidationIssue } from "./errors.ts";
// ── definitions of messages
export { defineCatalog } from "./event/catalog.ts";
export type { Catalog } from "./event/catalog.ts";
export { defineCommand, defineEvent, defineQuery } from "./event/define.ts";
export type { MessageOptions } from "./event/define.ts";
export type {
  CommandDefinition,
  Definition,
  DefinitionTypes,
  EventDefinition,
  EventOf,
  InputOf,
  MessageOf,
  OutputOf,
  QueryDefinition,
  ReplyInputOf,
  ReplyOf,
} from "./event/definition.ts";
export type { DefinitionParts, UpcastParts } from "./event/definition-parts.ts";
export type { CommandDraft, DraftOptions, EventDraft, QueryDraft, RequestDraft } from "./event/draft.ts";
export type { InferIn, InferOut, NotJsonIn, Travels } from "./event/schema.ts";
export { upcastFrom, upcastFromType } from "./event/upcast.ts";
export type { Upcast } from "./event/upcast.ts";
// ── contracts: what transports and stores implement
export type { Capabilities, CapabilityName } from "./contracts/capabilities.ts";
export type { Clock } from "./contracts/clock.ts";
export type { DeadLetter, DeadLetterError, DeadLetterReason } from "./contracts/dead-letter.ts";
export type { CodedError } from "./contracts/failure.ts";
export type { InboxStore, PruneOptions } from "./contracts/inbox.ts";
export type { DomainJournal, JournalEntry } from "./contracts/journal.ts";
export type { Logger } from "./contracts/logger.ts";
export type { Message, MessageKind } from "./contracts/message.ts";
export type { OutboxStore, Position, StoredEvent } from "./contracts/outbox.ts";
export type {
  ArchivedEvent,
  ArchivedQuery,
  DueEvents,
  HeldKey,
  OnDead,
  OutboxStatus,
  PageBounds,
  ParkedEvent,
  ParkedQuery,
  ParkedResult,
  ParkedSettlement,
  ParkedStatus,
  ParkRequest,
  RelayLease,
  RelayStore,
} from "./contracts/relay-store.ts";
export type { ExtensionValue, SealedEvent } from "./contracts/sealed-event.ts";
export type { Store, TxOf } from "./contracts/store.ts";
export type {
  ChannelSelection,
  Delivery,
  Settlement,
  SubscriptionRequest,
  TransportConsumer,
  TransportSubscription,
} from "./contracts/subscription.ts";
export type {
  AsyncSqlTx,
  IsolationLevel,
  SqlResult,
  SqlTx,
  SyncSqlTx,
  TransactionOptions,
  Transactor,
} from "./contracts/transaction.ts";
export type {
  ConnectionState,
  ConnectOptions,
  PublishBounds,
  PublishOutcome,
  Transport,
  TransportConfig,
  TransportDriver,
  TransportPublisher,
} from "./contracts/transport.ts";
export type { IncomingMessage, OutgoingMessage, WireMessage } from "./contracts/wire.ts";
export type {
  Broker,
  BrokerByKind,
  BrokerByUrl,
  BrokerConfig,
  Filled,
  OptionBlocks,
  CapabilitiesOf,
  Known,
  OptionsOf,
  Requirable,
  TransportLoader,
  TransportLoaders,
  Absent,
} from "./broker/broker-options.ts";
// ── messaging: what an application makes
export { createMessaging } from "./messaging.ts";
export type { MessagingOptions, PublishSettings } from "./messaging-options.ts";
export type {
  Consumable,
  Messaging,
  MessagingBase,
  MessagingWithoutStore,
  MessagingWithStore,
  Require,
  Supported,
} from "./messaging-types.ts";
export type { BrokerHealth, ConsumerHealth, MessagingHealth, StoreHealth } from "./health.ts";
export { systemClock } from "./clock.ts";
export { guardLogger } from "./logger.ts";
export { isOptions, problemsOfOptions } from "./options/names.ts";
export type { OptionNames } from "./options/names.ts";
export { problemsOfParts } from "./options/parts.ts";
// ── the broker in this process
export { memory, memoryDriver, transport as memoryTransport } from "./memory/transport/transport.ts";
export type { MemoryTransport } from "./memory/transport/transport.ts";
export type { MemoryTransportOptions } from "./memory/transport/options.ts";
export type { MemoryCapabilities } from "./memory/transport/capabilities.ts";
export { memoryStore } from "./memory/store/store.ts";
export type { MemoryStore, MemoryStoreOptions } from "./memory/store/store.ts";
export type { MemoryTx } from "./memory/store/transaction.ts";
export { memoryBroker } from "./memory/broker/broker.ts";
export type { InjectedMessage, MemoryBroker } from "./memory/broker/broker.ts";
export type { MissingChannel } from "./memory/broker/channels.ts";
export type {
  BrokerInspection,
  ChannelInspection,
  DeadLetterInspection,
  GroupInspection,
} from "./memory/broker/inspect.ts";
export type { MemoryBrokerOptions } from "./memory/broker/options.ts";
// ── publish: straight out, or through the outbox
export type { CloudEventLike } from "./envelope/cloud-event-like.ts";
export type { ContentMode } from "./envelope/encode.ts";
export type {
  ForwardOptions,
  Publisher,
  PublishOptions,
  PublishResult,
  SendOptions,
} from "./publish/publisher.ts";
export type { Requester, RequestOptions } from "./request/requester.ts";
export type { Added, Outbox } from "./outbox/outbox.ts";
export { outboxAdmin } from "./outbox/admin.ts";
export type { AdministeredStore, OutboxAdmin, ParkedChoice } from "./outbox/admin.ts";
// ── unit of work: changes, domain events and what leaves, in one transaction
export { domainHandlers } from "./work/domain-handlers.ts";
export type {
  DomainHandlerOptions,
  DomainHandlers,
  DomainHandlersBuilder,
  Mapped,
} from "./work/domain-handlers.ts";
export { domainFailureOf } from "./work/domain-failure.ts";
export type { DomainFailure } from "./work/domain-failure.ts";
export type { DomainContext, UnitMeta, UnitOfWork, UnitSendOptions, UnitVerbs } from "./work/context.ts";
export type { LateDrafts } from "./work/outgoing.ts";
export type { RunOptions, UnitOfWorkDefaults, UnitOfWorkOptions } from "./work/unit-options.ts";
export type { UnitOfWorkRunner } from "./work/unit-of-work.ts";
export type { UntypedTransaction } from "./work/untyped.ts";
// ── relay: from the outbox to the broker
export { createRelay } from "./relay/create-relay.ts";
export type { StandaloneRelayOptions } from "./relay/create-relay.ts";
export type { RelayOptions } from "./relay/options.ts";
export type { Relay, RelaySource, RelayStatus } from "./relay/relay.ts";
export type { RelayHealth, RelayState } from "./relay/standing.ts";
export type { RelayStopOptions } from "./relay/stop.ts";
export { exponential, fixed, immediate, noRetry } from "./retry/retry-policy.ts";
export type { ExponentialOptions, RetryPolicy } from "./retry/retry-policy.ts";
// ── consume
export { defineConsumer } from "./consume/define-consumer.ts";
export type {
  BatchHandler,
  BatchOptions,
  Consumer,
  ConsumerBuilder,
  ConsumerOptions,
  Handler,
  StartAt,
  Unhandled,
} from "./consume/definition.ts";
export type { BatchContext, DeliveryContext, HandlerContext, TransactionContext } from "./consume/context.ts";
export type { Subscription } from "./consume/consumer.ts";
export type { ConsumerState } from "./consume/intake/intake-switch.ts";
export type { CloseOptions } from "./consume/drain.ts";
export type { ConsumeOptions } from "./consume/consumers.ts";
export type { ConsumerCounts } from "./consume/settle/settle.ts";
export type { DeadLetterHandler, DeadLetterSubscription } from "./consume/dead-letters.ts";
export type { ForeignEvent, ForeignMapper } from "./envelope/foreign.ts";
export { Reject, RetryAfter } from "./failure/control.ts";
export { onError } from "./failure/error-rule.ts";
export type { ErrorAction, ErrorContext, ErrorRule } from "./failure/error-rule.ts";
// ── telemetry
export type { TelemetryOptions } from "./telemetry/telemetry.ts";
export type { ConsumeOutcome } from "./telemetry/instruments.ts";
