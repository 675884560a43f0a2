// What a case is: the least that the runner, the programs and the report have to agree on.

/** What one run of one case has measured; names carry their units. */
export type Sample = Readonly<Record<string, number>>;

export interface CaseContext {
  /** An empty directory of its own, removed afterwards. */
  readonly directory: string;
  readonly parameters: Readonly<Record<string, number>>;
}

/** A sample for each round, as long as `next(true)` asks for one; then it closes, and checks what it left on disk. */
export type Rounds = AsyncGenerator<Sample, void, boolean>;

/** Does the work, checks what it left on disk, and says what it measured: once, or round by round. */
export type Case = OneShot | ((context: CaseContext) => Rounds);
export type OneShot = (context: CaseContext) => Promise<Sample>;

/** The cases of a file, by name. */
export type Cases = Readonly<Record<string, Case>>;

export function parameter({ parameters }: CaseContext, name: string): number {
  const value = parameters[name];
  if (value === undefined) throw new Error(`the case needs the parameter ${name}`);
  return value;
}
