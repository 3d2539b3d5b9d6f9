import type { CapabilityName } from "../contracts/capabilities.ts";
import type { Transport } from "../contracts/transport.ts";
import { MessagingError } from "../errors.ts";

/**
 * Refuses what an option asks for and the broker lacks, before anything runs.
 *
 * @throws MessagingError CONFIG_CAPABILITY_MISSING naming capability and option.
 */
export function assertCapabilities(
  transport: Transport,
  needs: readonly CapabilityName[],
  askedBy: string,
): void {
  for (const need of needs) {
    const has = transport.capabilities[need];
    if (has !== false && has !== "none" && has !== 0 && has !== undefined) continue;
    throw new MessagingError(
      "CONFIG_CAPABILITY_MISSING",
      `${transport.kind} cannot do what ${askedBy} asks for (capability '${need}').`,
      {
        context: { transport: transport.kind, capability: need, askedBy },
      },
    );
  }
}
