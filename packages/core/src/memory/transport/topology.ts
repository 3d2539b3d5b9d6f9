import type { SubscriptionRequest } from "../../contracts/subscription.ts";
import { OptionsError } from "../../errors.ts";
import type { MissingChannel } from "../broker/channels.ts";
import type { JoinRequest } from "../broker/groups.ts";

/** What a subscription binds at the broker. @throws OptionsError (CONFIG_INVALID) listing every problem. */
export function toJoinRequest(request: SubscriptionRequest, missingChannel: MissingChannel): JoinRequest {
  const { group, of = "messages", members, channels, ordering, startAt } = request;
  const problems = [
    ...(group === "" ? ["group: must not be empty"] : []),
    ...(of === "messages" && channels.length === 0 ? ["channels: must name at least one"] : []),
    ...(channels.some(({ channel }) => channel === "") ? ["channels: a name must not be empty"] : []),
    ...(startAt instanceof Date && Number.isNaN(startAt.getTime()) ? ["startAt: is no valid date"] : []),
    ...problemsOfBound(request.maxInFlight),
  ];
  if (problems.length > 0) throw new OptionsError(`Subscription of '${group}'`, problems);
  return { group, of, members, channels, ordering, startAt, missingChannel };
}

export function problemsOfBound(maxInFlight: number): readonly string[] {
  if (Number.isSafeInteger(maxInFlight) && maxInFlight >= 1) return [];
  return [`maxInFlight: must be a whole number from 1, is ${maxInFlight}`];
}

/** One transport consumes a group once; its dead letters are something else to consume. */
export function subscriptionKey({ group, of = "messages" }: SubscriptionRequest): string {
  return `${of}:${group}`;
}
