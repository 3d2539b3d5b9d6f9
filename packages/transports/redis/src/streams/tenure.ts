import type { Tenure } from "./fetched.ts";

/** A tenure, and the way to end it. */
export interface OpenTenure extends Tenure {
  end(): void;
}

/** `isHeld`: what else must be true for it to last. */
export function beginTenure(isHeld: () => boolean = always): OpenTenure {
  let isLive = true;
  return {
    live: () => isLive && isHeld(),
    end: () => {
      isLive = false;
    },
  };
}

const always = (): boolean => true;
