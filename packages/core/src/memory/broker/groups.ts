import type { Clock } from "../../contracts/clock.ts";
import type { ChannelSelection, SubscriptionRequest } from "../../contracts/subscription.ts";
import { passes, widen, type Channel } from "./channel.ts";
import type { Channels, MissingChannel } from "./channels.ts";
import { createEachGroup, createGroup, type Group } from "./group.ts";
import { loseLeases, type Member, type Outlet } from "./member.ts";
import { BrokerRefusal } from "./refusal.ts";

/** What a member asks for when it joins. */
export interface JoinRequest {
  readonly group: string;
  readonly of: "messages" | "dead-letters";
  readonly members: SubscriptionRequest["members"];
  readonly channels: readonly ChannelSelection[];
  readonly ordering: SubscriptionRequest["ordering"];
  readonly startAt: SubscriptionRequest["startAt"];
  readonly missingChannel: MissingChannel;
}

/** The consume side of the broker: who is bound to what. */
export interface Groups {
  all(): readonly Group[];
  /** The group that members share and that keeps the dead letters; made when it is new. */
  shared(name: string): Group;
  /**
   * Binds the group and adds a member to it; the returned function takes the member out, its messages back in place.
   * @throws BrokerRefusal `channel-missing`, `ordering-conflict`; nothing is bound then.
   */
  join(request: JoinRequest, member: Member): () => void;
  /** Hands out what there is room for. */
  deliver(): void;
  /** Forgets all messages and dead letters, and groups without a member. */
  clear(): void;
}

/** `onChange` is told when `deliver` may have something to do. */
export function createGroups(channels: Channels, clock: Clock, onChange: () => void): Groups {
  const shared = new Map<string, Group>();
  const each = new Set<Group>();
  const changed = new Set<Group>();

  const noteChange = (group: Group): void => {
    changed.add(group);
    onChange();
  };
  const sharedGroup = (name: string): Group => {
    const group = shared.get(name) ?? createGroup(name, clock, noteChange);
    shared.set(name, group);
    return group;
  };
  const all = (): readonly Group[] => [...shared.values(), ...each];

  const unbind = (group: Group, channel: string, outlet: Outlet): void => {
    group.unbind(channel);
    channels.all.get(channel)?.bindings.delete(outlet);
  };

  const joinMessages = (request: JoinRequest, member: Member): (() => void) => {
    const home = sharedGroup(request.group);
    const group = request.members === "share" ? home : createEachGroup(home, clock, noteChange);
    const selected = request.channels.map(({ channel, types }) => ({
      channel: channels.open(channel, request.missingChannel),
      types,
    }));
    for (const { channel } of selected) agreeOnOrdering(group.outlets.get(channel.name), request);
    if (group.kind === "each") each.add(group);
    for (const { channel, types } of selected) bind(group, channel, types, request).join(member);
    return () => {
      for (const [channel, outlet] of group.outlets) {
        outlet.leave(member);
        if (group.kind === "each") unbind(group, channel, outlet);
      }
      each.delete(group);
    };
  };

  const joinDeadLetters = (request: JoinRequest, member: Member): (() => void) => {
    const outlet = sharedGroup(request.group).deadLetters;
    agreeOnOrdering(outlet, request);
    outlet.join(member);
    return () => outlet.leave(member);
  };

  return {
    all,
    shared: sharedGroup,
    join: (request, member) => {
      const leave =
        request.of === "messages" ? joinMessages(request, member) : joinDeadLetters(request, member);
      for (const outlet of member.outlets) outlet.arm();
      return () => {
        loseLeases(member, "closed", "uncounted");
        leave();
      };
    },
    deliver: () => {
      for (const group of [...changed]) {
        changed.delete(group);
        group.deliver();
      }
    },
    clear: () => {
      for (const group of all()) {
        for (const [channel, outlet] of group.outlets) {
          outlet.clear();
          if (outlet.members.length === 0) unbind(group, channel, outlet);
        }
        group.deadLetters.clear();
        if (group.outlets.size === 0 && group.deadLetters.members.length === 0) shared.delete(group.name);
      }
    },
  };
}

/** Binds a group to a channel; where it was not, from where its members ask to start. */
function bind(
  group: Group,
  channel: Channel,
  types: ChannelSelection["types"],
  request: JoinRequest,
): Outlet {
  const isNew = !group.outlets.has(channel.name);
  const outlet = group.bind(channel.name, request.ordering);
  const filter = widen(channel.bindings.get(outlet), types);
  channel.bindings.set(outlet, filter);
  if (isNew && request.startAt !== "new") {
    const fromMs = request.startAt === "beginning" ? 0 : request.startAt.getTime();
    for (const message of channel.log) {
      if (message.storedAtMs >= fromMs && passes(filter, message.type)) outlet.add(message);
    }
  }
  return outlet;
}

/** The order of a queue is one for all members; it can change while there are none. */
function agreeOnOrdering(outlet: Outlet | undefined, { ordering }: JoinRequest): void {
  if (outlet === undefined || outlet.queue.ordering === ordering) return;
  if (outlet.members.length > 0) {
    throw new BrokerRefusal(
      "ordering-conflict",
      `The group '${outlet.group}' has members with ordering '${outlet.queue.ordering}': ordering '${ordering}' must wait until they are gone`,
    );
  }
  outlet.queue.reorder(ordering);
}
