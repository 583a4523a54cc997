/** What loadtest/k6/scenarios.ts writes at its end. */
export interface K6Report {
  readonly protocol: string;
  readonly seconds: number;
  /** Iterations of the set rate that no virtual user was free for. */
  readonly dropped: number;
  readonly all: K6Steps;
  readonly steps: Readonly<Record<string, K6Steps>>;
}

export interface K6Steps {
  /** Good answers. */
  readonly count: number;
  readonly errors: number;
  /** Milliseconds. */
  readonly mean: number;
  /** Pairs of quantile (percent) and milliseconds. */
  readonly quantiles: readonly (readonly [number, number])[];
}
