import type { Capabilities, OutgoingMessage, PublishOutcome, Transport } from "@postrider/core";
import { randomUUID } from "node:crypto";
import type { CaseScope } from "../case/bounded.ts";
import type { Case } from "../case/case.ts";
import { claim, claimEqual } from "../case/claim.ts";
import type { TransportHarness } from "../harness.ts";
import { openIntake } from "./intake.ts";
import type { Intake, IntakeRequest } from "./intake.ts";
import { claimSame, outgoing } from "./message.ts";

/** What a case about a transport works with. Whatever is opened through it closes with the case. */
export interface TransportScope extends CaseScope {
  readonly harness: TransportHarness;
  readonly capabilities: Capabilities;
  /** 1 is full size. */
  readonly load: number;
  /** A new transport, not connected. */
  create(): Promise<Transport>;
  /** A new transport, connected. */
  connect(): Promise<Transport>;
  /** Closes now; closing again at the end of the case does no harm. */
  close(transport: Transport): Promise<void>;
  /** Ends it as a dying process would where the harness can, else closes it. */
  end(transport: Transport): Promise<void>;
  channel(): Promise<string>;
  group(): string;
  publish(transport: Transport, batch: readonly OutgoingMessage[]): Promise<readonly PublishOutcome[]>;
  publishRun(transport: Transport, run: readonly OutgoingMessage[]): Promise<readonly PublishOutcome[]>;
  /** Publishes and fails unless every outcome is a confirmation. */
  confirm(transport: Transport, batch: readonly OutgoingMessage[]): Promise<void>;
  /** Publishes one more message; when it has arrived, what was to arrive before it has. */
  sentinel(transport: Transport, channel: string, key?: string): Promise<string>;
  /** Asks the broker for something and waits: what was sent to it before, an acknowledgement say, has reached it. */
  roundTrip(transport: Transport): Promise<void>;
  subscribe(transport: Transport, request: IntakeRequest): Promise<Intake>;
  /** Creates the group at the broker and leaves it. */
  bind(group: string, channels: readonly string[]): Promise<void>;
  claimSame(arrived: { readonly message: Parameters<typeof claimSame>[0] }, sent: OutgoingMessage): void;
}

export type TransportCase = Case<TransportHarness, TransportScope>;

export const publishDeadlineMs = 8_000;

export function createTransportScope(
  base: CaseScope,
  harness: TransportHarness,
  load: number,
): TransportScope {
  const crashed = new Set<Transport>();
  const deadlineMs = publishDeadlineMs * (harness.limits?.timeScale ?? 1);
  const create = async (): Promise<Transport> => {
    const transport = await base.wait("a transport to be created", harness.create());
    base.defer("closing a transport", async () => {
      if (!crashed.has(transport)) await transport.close();
    });
    return transport;
  };
  const close = (transport: Transport): Promise<void> => base.wait("a transport to close", transport.close());
  const connect = async (): Promise<Transport> => {
    const transport = await create();
    await base.wait("connect", transport.connect());
    return transport;
  };
  const publish: TransportScope["publish"] = (transport, batch) =>
    base.wait("the outcomes of a publish", transport.publisher.publish(batch, { deadlineMs }));
  const confirm = async (transport: Transport, batch: readonly OutgoingMessage[]): Promise<void> => {
    claimConfirmed(await publish(transport, batch), batch.length);
  };
  const subscribe = (transport: Transport, request: IntakeRequest): Promise<Intake> =>
    openIntake(base, transport, request);
  return {
    ...base,
    harness,
    capabilities: harness.capabilities,
    load,
    create,
    connect,
    close,
    end: async (transport) => {
      if (harness.crash === undefined) return close(transport);
      crashed.add(transport);
      await base.wait("a transport to crash", harness.crash(transport));
    },
    channel: async () => harness.channel(),
    group: () => harness.group?.() ?? `conformance-${randomUUID()}`,
    publish,
    publishRun: (transport, run) =>
      base.wait("the outcomes of a run", transport.publisher.publishRun(run, { deadlineMs })),
    confirm,
    sentinel: async (transport, channel, key) => {
      const last = outgoing(channel, { key });
      await confirm(transport, [last]);
      return last.attributes["id"] ?? "";
    },
    roundTrip: async (transport) => confirm(transport, [outgoing(await harness.channel())]),
    subscribe,
    bind: async (group, channels) => {
      const transport = await connect();
      const intake = await subscribe(transport, { group, channels });
      await base.wait("a subscription to close", intake.subscription.close());
      await close(transport);
    },
    claimSame: (arrived, sent) =>
      claimSame(
        arrived.message,
        sent,
        harness.limits?.keepsKey === false ? "keys-are-not-kept" : "keys-are-kept",
      ),
  };
}

/** Fails unless there is one outcome per message and each is a confirmation. */
export function claimConfirmed(outcomes: readonly PublishOutcome[], count: number): void {
  claimEqual(outcomes.length, count, "publish answers one outcome per message: outcomes");
  const other = outcomes.find((one) => one.status !== "confirmed");
  claim(
    other === undefined,
    `publish: expected every message to be confirmed, got ${other && sayOutcome(other)}`,
  );
}

export function sayOutcome(outcome: PublishOutcome): string {
  return outcome.status === "confirmed"
    ? outcome.status
    : `${outcome.status} (${outcome.scope}, ${outcome.error.code})`;
}

/** The statuses alone, to compare a whole batch at once. */
export const statusesOf = (outcomes: readonly PublishOutcome[]): readonly string[] =>
  outcomes.map((one) => one.status);
