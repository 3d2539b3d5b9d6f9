/// <reference types="node" preserve="true" />
// ── the table of errors
export {
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
  DefinitionParts,
  DefinitionTypes,
  EventDefinition,
  EventOf,
  InputOf,
  MessageOf,
  OutputOf,
  QueryDefinition,
  ReplyInputOf,
  ReplyOf,
  UpcastParts,
} from "./event/definition.ts";
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
export type { Logger } from "./contracts/logger.ts";
export type { Message, MessageKind } from "./contracts/message.ts";
export type { OutboxStore, Position, StoredEvent } from "./contracts/outbox.ts";
export type {
  OutboxStatus,
  ParkedEvent,
  ParkedQuery,
  ParkedResult,
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
