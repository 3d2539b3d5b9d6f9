import type { PublishOutcome } from "@postrider/core";
import { rejected, toTransportError } from "../errors.ts";
import type { Entry } from "./job.ts";
import { type BrokerSaid, exchangeIn, saidBy, tooLargeIn } from "./said.ts";

/** Who is at fault that the broker closed a channel, and must not be sent again. */
export interface Verdict {
  readonly blame: readonly Blamed[];
  /** Exchanges to make sure of anew before the rest goes out again. */
  readonly forget: readonly string[];
}

interface Blamed {
  readonly entry: Entry;
  readonly outcome: PublishOutcome;
}

export interface Circumstances {
  /** Whether an exchange that is gone is made sure of anew, or its messages refused. */
  readonly missingExchange: "ask" | "refuse";
  /** Whether the only message on the channel is to blame for what names nobody: not when it happens first. */
  readonly alone: "guilty" | "innocent";
}

/** One bad message costs the channel, and with it all that were on their way: those are sent again, it is not. */
export function judgeLoss(
  failure: unknown,
  unsettled: readonly Entry[],
  { missingExchange, alone }: Circumstances,
): Verdict {
  const said = saidBy(failure);
  const error = toTransportError(failure, "RabbitMQ refused the message");
  const exchange = exchangeIn(said);
  // An exchange that is gone may come back: asking for it anew makes it, or refuses those that go there.
  if (said.replyCode === 404 && exchange !== undefined && missingExchange === "ask")
    return { blame: [], forget: [exchange] };
  const named = namedBy(said, unsettled);
  if (named !== undefined)
    return { blame: named.map((entry) => ({ entry, outcome: rejected("message", error) })), forget: [] };
  // What nobody can explain may have happened after the message was stored.
  const suspects = alone === "guilty" && unsettled.length === 1 ? unsettled : [];
  return {
    blame: suspects.map((entry) => ({ entry, outcome: { status: "unknown", scope: "message", error } })),
    forget: [],
  };
}

/** Those that the broker's words point at; undefined when they point at none. */
function namedBy(said: BrokerSaid, unsettled: readonly Entry[]): readonly Entry[] | undefined {
  const tooLarge = tooLargeIn(said);
  if (tooLarge !== undefined)
    return unsettled.filter(({ parcel }) => parcel.content.length > tooLarge.limitBytes);
  const exchange = exchangeIn(said);
  return exchange === undefined ? undefined : unsettled.filter(({ parcel }) => parcel.exchange === exchange);
}
