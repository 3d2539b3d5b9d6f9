import { OptionsError } from "../errors.ts";
import type { CommandDraft, EventDraft } from "../event/draft.ts";
import { isOptions, noObject, problemsOfNames } from "../options/names.ts";
import { addressed, problemsOfOwner } from "./address.ts";

/**
 * A command as it leaves with a transaction.
 *
 * @throws OptionsError (CONFIG_INVALID) listing every problem; MessagingError USAGE_WRONG_KIND.
 */
export function commandTo(
  command: CommandDraft,
  options: { readonly to: string; readonly key?: string | undefined },
): EventDraft {
  const problems = isOptions(options)
    ? [...problemsOfNames(options, { to: true, key: true }), ...problemsOfOwner(options.to)]
    : [noObject];
  if (problems.length > 0) throw new OptionsError("send", problems);
  return addressed(command, "send", ["command"], options);
}
