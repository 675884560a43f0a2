import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flights } from '../../../tools/bench.ts';

/** About 300 bytes each, as analytics events are. */
export function pageViews(count: number): object[] {
  return flights(count).map((flight, index) => ({
    id: `evt-${index}-4f1c9a`,
    type: 'page_view',
    userId: `user-${index % 97}`,
    timestampMs: 1_700_000_000_000 + index * 37,
    url: `https://example.com/flights/${index}?ref=home`,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
    properties: flight,
  }));
}

/** A directory on a real disk, removed when the process ends. `RELAY_BENCH_DIRECTORY` chooses the disk. */
export function benchDirectory(): string {
  const directory = mkdtempSync(join(process.env['RELAY_BENCH_DIRECTORY'] ?? tmpdir(), 'relaykit-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
