/** What was seen of one load. Times are of `performance.now()`, in milliseconds. */
export interface History {
  readonly publishes: readonly PublishSeen[];
  readonly handlings: readonly HandlingSeen[];
  readonly groups: readonly GroupSeen[];
  /** When connections or the server were away: what was under way then may end unknown, and come twice. */
  readonly outages: readonly Outage[];
  /** Rejections that nobody handled, and exceptions that nobody caught. */
  readonly strays: readonly string[];
  readonly memory: { readonly startBytes: number; readonly peakBytes: number };
}

export interface PublishSeen {
  readonly key: string;
  /** 1, 2, 3 … of its key, in the order of the calls. */
  readonly step: number;
  readonly startedMs: number;
  /** Undefined while its promise is pending. */
  readonly settledMs: number | undefined;
  readonly outcome: "confirmed" | "rejected" | "unknown" | undefined;
  /** What it failed with. */
  readonly code: string | undefined;
}

export interface HandlingSeen {
  readonly group: string;
  readonly key: string;
  readonly step: number;
  readonly beganMs: number;
  /** Undefined while the handler runs. */
  readonly endedMs: number | undefined;
}

export interface GroupSeen {
  readonly name: string;
  readonly ordering: "none" | "key";
}

export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
  /** Groups whose messages of that time were destroyed, as by one who deletes a queue. */
  readonly destroys: readonly string[];
}
