import type { Clock } from "../../contracts/clock.ts";
import { createChannels, type MissingChannel } from "./channels.ts";
import { createGroups, type JoinRequest } from "./groups.ts";
import type { Lease, Member } from "./member.ts";
import type { BrokerMessage } from "./message.ts";
import type { BrokerLimits, ResolvedBrokerOptions } from "./options.ts";
import { BrokerRefusal } from "./refusal.ts";
import { settle, type BrokerSettlement } from "./settle.ts";
import { createTurns } from "./turns.ts";

/** A connected client, told of outages. `down`: what its members hold is to be given back. */
export interface BrokerClient {
  up(): void;
  down(): void;
}

/** What transports speak with: the commands of the broker. All but `request` are called inside a turn. */
export interface BrokerServer {
  readonly clock: Clock;
  readonly limits: BrokerLimits;
  running(): boolean;
  /** Runs commands in the broker's next turn, in the order asked. The commands throw BrokerRefusal. */
  request<T>(task: () => T): Promise<T>;
  /** Connects a client. The returned function ends that. */
  attach(client: BrokerClient): () => void;
  publish(message: BrokerMessage, missing: MissingChannel): void;
  join(request: JoinRequest, member: Member): () => void;
  settle(lease: Lease, settlement: BrokerSettlement): void;
  /** A member has more room than before. At any time. */
  resume(member: Member): void;
}

/** The switches of the machine that the broker runs on, and what it holds. */
export interface ServerControl {
  readonly server: BrokerServer;
  readonly channels: ReturnType<typeof createChannels>;
  readonly groups: ReturnType<typeof createGroups>;
  start(): void;
  stop(): void;
  clear(): void;
}

export function createServer(options: ResolvedBrokerOptions): ServerControl {
  const clients = new Set<BrokerClient>();
  let running = true;
  const channels = createChannels(options);
  const turns = createTurns(() => {
    if (running) groups.deliver();
  });
  const groups = createGroups(channels, options.clock, turns.ask);

  const requireRunning = (): void => {
    if (!running) throw new BrokerRefusal("stopped", "The memory broker is stopped");
  };
  const outlets = () => groups.all().flatMap((group) => [...group.outlets.values(), group.deadLetters]);

  const announceStart = (): void => {
    if (!running) return;
    for (const outlet of outlets()) outlet.arm();
    for (const client of [...clients]) client.up();
  };

  const server: BrokerServer = {
    clock: options.clock,
    limits: options,
    running: () => running,
    request: turns.request,
    attach: (client) => {
      requireRunning();
      clients.add(client);
      return () => clients.delete(client);
    },
    publish: (message, missing) => {
      requireRunning();
      channels.accept(message, missing);
    },
    join: (request, member) => {
      requireRunning();
      return groups.join(request, member);
    },
    settle: (lease, settlement) => settle(groups, options, lease, settlement),
    resume: (member) => {
      for (const outlet of member.outlets) outlet.touch();
    },
  };

  return {
    server,
    channels,
    groups,
    start: () => {
      if (running) return;
      running = true;
      void turns.request(announceStart);
    },
    stop: () => {
      if (!running) return;
      running = false;
      for (const outlet of outlets()) outlet.disarm();
      for (const client of [...clients]) client.down();
    },
    clear: () => {
      groups.clear();
      channels.clear();
    },
  };
}
