import type { Tenure } from "./fetched.ts";

/** A tenure, and the way to end it. */
export interface OpenTenure extends Tenure {
  end(): void;
}

export function beginTenure(): OpenTenure {
  let isLive = true;
  return {
    live: () => isLive,
    end: () => {
      isLive = false;
    },
  };
}
