/**
 * Refuses option names that nothing reads: a limit that was misspelt would leave its default in force without a word.
 *
 * @throws TypeError - names the unknown option and the one that was probably meant.
 */
export function checkOptionNames(where: string, options: unknown, known: Readonly<Record<string, true>>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${where} must be an object, got ${options === null ? 'null' : describe(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const meant = closest(name, Object.keys(known));
    const hint = meant === undefined ? `known are ${Object.keys(known).join(', ')}` : `did you mean ${meant}?`;
    throw new TypeError(`${where} has no option ${name}; ${hint}`);
  }
}

function describe(value: unknown): string {
  return Array.isArray(value) ? 'an array' : typeof value;
}

function closest(name: string, candidates: readonly string[]): string | undefined {
  const nearest = candidates
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((left, right) => left.distance - right.distance)[0];
  return nearest !== undefined && nearest.distance <= Math.max(2, name.length / 4) ? nearest.candidate : undefined;
}

/** Levenshtein distance: the least number of characters to insert, remove or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let at = 1; at <= from.length; at += 1) {
    const next = [at];
    for (let index = 1; index <= to.length; index += 1) {
      const replaced = (row[index - 1] ?? 0) + (from[at - 1] === to[index - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[index] ?? 0) + 1, (next[index - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
