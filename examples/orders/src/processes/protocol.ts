import type { Choice } from "../wiring/choose.ts";

/** What a child process can be. */
export type ServiceName = "orders" | "shipping" | "relays";

/** The first message to a child process: which service it is, and what it runs on. */
export interface StartMessage {
  readonly kind: "start";
  readonly service: ServiceName;
  readonly choice: Choice;
  readonly relay: "inside" | "apart";
  /** The trace whose spans it keeps. */
  readonly traceId: string;
}

/** A call of one of the service's methods. */
export interface CallMessage {
  readonly kind: "call";
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type ToChild = StartMessage | CallMessage;

export type FromChild =
  | { readonly kind: "started" }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refused"; readonly id: number; readonly reason: string }
  | { readonly kind: "log"; readonly line: string };
