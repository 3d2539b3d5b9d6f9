import type { Delivery, OutgoingMessage, Transport } from "@postrider/core";
import type { Intake } from "./intake.ts";
import { outgoing } from "./message.ts";
import type { TransportScope } from "./scope.ts";

/** One message that was handed over, and where. */
export interface Delivered {
  readonly channel: string;
  readonly group: string;
  readonly transport: Transport;
  readonly intake: Intake;
  readonly sent: OutgoingMessage;
  readonly delivery: Delivery;
}

/** Publishes one message and takes its delivery. */
export async function deliverOne(scope: TransportScope): Promise<Delivered> {
  const channel = await scope.channel();
  const group = scope.group();
  const transport = await scope.connect();
  const intake = await scope.subscribe(transport, { group, channels: [channel] });
  const sent = outgoing(channel);
  await scope.confirm(transport, [sent]);
  const delivery = await intake.next();
  return { channel, group, transport, intake, sent, delivery };
}
