import { getEventListeners } from "node:events";
import { onTestFinished, vi } from "vitest";

/** The most listeners that any one signal had at once from now on, whoever the signal belongs to. */
export function mostAbortListeners(): () => number {
  let most = 0;
  // Every signal inherits it from there.
  const prototype = Object.getPrototypeOf(AbortSignal.prototype) as EventTarget;
  const add = prototype.addEventListener;
  const spy = vi.spyOn(prototype, "addEventListener").mockImplementation(function (
    this: EventTarget,
    ...args: Parameters<EventTarget["addEventListener"]>
  ) {
    add.apply(this, args);
    if (this instanceof AbortSignal) most = Math.max(most, getEventListeners(this, "abort").length);
  });
  onTestFinished(() => spy.mockRestore());
  return () => most;
}
