/** `[first, count]`: the events `first` to `first + count - 1` of one writer. */
export type SequenceRange = readonly [first: number, count: number];

/** Adds a range to sorted, disjoint ones and joins what touches. Overlaps are joined, too: an event counts once. */
export function addRange(ranges: readonly SequenceRange[], [first, count]: SequenceRange): readonly SequenceRange[] {
  if (count <= 0) return ranges;
  let [from, to] = [first, first + count];
  const before: SequenceRange[] = [];
  const after: SequenceRange[] = [];
  for (const range of ranges) {
    const [start, length] = range;
    if (start + length < from) before.push(range);
    else if (start > to) after.push(range);
    else [from, to] = [Math.min(from, start), Math.max(to, start + length)];
  }
  return [...before, [from, to - from], ...after];
}

/** How many events sorted, disjoint ranges hold. */
export function countEvents(ranges: readonly SequenceRange[]): number {
  return ranges.reduce((sum, [, count]) => sum + count, 0);
}

/** What is missing between 0 and the end of the last range, or `end` where that is behind it. */
export function gapsIn(ranges: readonly SequenceRange[], end = 0): readonly SequenceRange[] {
  const gaps: SequenceRange[] = [];
  let next = 0;
  for (const [first, count] of ranges) {
    if (first > next) gaps.push([next, first - next]);
    next = first + count;
  }
  if (end > next) gaps.push([next, end - next]);
  return gaps;
}
