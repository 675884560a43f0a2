const blocks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** The last `width` values as blocks, from nothing to the largest of them; to the right, so that time goes that way. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const largest = Math.max(0, ...shown);
  const text = shown
    .map((value) => (largest === 0 ? blocks[0] : blocks[Math.round((value / largest) * (blocks.length - 1))]))
    .join('');
  return text.padStart(width);
}
