/** One sentence of the contract and the code that proves it. */
export interface Case<Subject, Scope> {
  /** The sentence; the number in front, where there is one, is that of the catalogue of behaviours. */
  readonly title: string;
  /** Why it cannot be run on this subject; undefined when it can. */
  readonly lacks?: ((subject: Subject) => string | undefined) | undefined;
  /** `alone`: it counts what the whole process holds, or may disturb the broker; nothing else runs beside it. */
  readonly runs?: "alone" | undefined;
  /** Times the suite's time limit, for a case that moves much. Default 1. */
  readonly patience?: number | undefined;
  readonly body: (scope: Scope) => Promise<void>;
}

/** What one call of a suite registered, and what it could not. */
export interface SuiteReport {
  /** The name of the suite in the runner's output. */
  readonly title: string;
  /** Titles of the cases registered, in order. */
  readonly cases: readonly string[];
  /** Cases that this harness or these capabilities give nothing to prove with. */
  readonly notApplicable: readonly NotApplicable[];
}

/** A case that a harness cannot show, and what is missing. */
export interface NotApplicable {
  readonly title: string;
  /** A sentence: what is missing, and what would make the case run. */
  readonly because: string;
}

/** Limits of the cases of a suite; all of them have defaults. */
export interface SuiteOptions {
  /** Time limit of one case, in milliseconds. Default 10,000. A case that ends at it says what it waited for. */
  readonly timeoutMs?: number | undefined;
  /** Limit for what one case opened to close again, in milliseconds. Default 5,000. */
  readonly cleanupMs?: number | undefined;
  /** Size of the cases that move much: 1 is 5,000 messages. Default 1. */
  readonly load?: number | undefined;
}
