import { systemClock } from "../clock.ts";
import type { Clock } from "../contracts/clock.ts";
import type { Logger } from "../contracts/logger.ts";
import type { Transport } from "../contracts/transport.ts";
import { consoleLogger, guardLogger } from "../logger.ts";
import { createTelemetry } from "../telemetry/telemetry.ts";
import { OptionsError } from "../errors.ts";
import { isOptions, problemsThrown } from "../options/names.ts";
import { resolveRelayOptions, type RelayOptions } from "./options.ts";
import { createRelayLoop, type Relay, type RelaySource } from "./relay.ts";

/** A relay of its own: its options, and the store and the transport between which it works. */
export interface StandaloneRelayOptions extends RelayOptions {
  /** Any store: a relay opens no transaction of the user's. */
  readonly store: RelaySource;
  /** Connected and closed by the caller. */
  readonly transport: Transport;
  /** Default: warnings and errors on the console. */
  readonly logger?: Logger | undefined;
  /** For tests. Default: the system's. */
  readonly clock?: Clock | undefined;
}

/**
 * A relay on its own: for a process that does nothing else, or for `drainOnce` in a script. Not started yet.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem.
 */
export function createRelay(options: StandaloneRelayOptions): Relay {
  const problems = problemsOfParts(options);
  if (problems.length > 0) throw new OptionsError("createRelay", problems);
  const { store, transport, logger, clock, ...rest } = options;
  return createRelayLoop({
    store,
    transport,
    clock: clock ?? systemClock,
    logger: guardLogger(logger ?? consoleLogger),
    telemetry: createTelemetry(transport.kind),
    options: resolveRelayOptions(rest),
    random: Math.random,
  });
}

/** Those of the relay itself and those of what it works between, together. */
function problemsOfParts(options: StandaloneRelayOptions): string[] {
  if (!isOptions(options)) return ["options: must be an object with 'store' and 'transport'"];
  const { store, transport, logger: _logger, clock: _clock, ...rest } = options;
  return [
    ...(isOptions(store) && "relay" in store && "outbox" in store && "inbox" in store
      ? []
      : ["store: must be a store such as postgres({ pool })"]),
    ...(isOptions(transport) && "publisher" in transport && "onState" in transport
      ? []
      : ["transport: must be a transport such as memory()"]),
    ...problemsThrown("", () => resolveRelayOptions(rest)),
  ];
}
