import type { Channel } from "amqplib";

/**
 * Ends a channel, however it ends: amqplib's own promise stays open for ever when the connection breaks before the
 * broker has answered.
 */
export function closeChannel(channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    channel.once("close", () => resolve());
    // Refused at once where it had ended before.
    channel.close().catch(() => resolve());
  });
}
