import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeMetadata, formatSegmentId, Spool } from '@relaykit/segments';
import { flights } from '../../../tools/bench.ts';
import { lineFormat } from './line-format.ts';

export const WRITER = 'benchbench';

/** A spool in a temporary directory of the real disk, removed when the process ends. */
export function temporarySpool(): Spool {
  const directory = mkdtempSync(join(tmpdir(), 'relaykit-bench-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return Spool.openSync({ directory });
}

export function idAt(index: number): string {
  return formatSegmentId({ createdAtMs: Date.UTC(2026, 0, 1) + index, firstSequence: index, writerId: WRITER });
}

/** About so many bytes of JSON Lines, the last one whole. */
export function linesOf(sizeBytes: number): Uint8Array {
  const text = flights(1_000)
    .map((flight) => `${JSON.stringify(flight)}\n`)
    .join('');
  return new TextEncoder().encode(text.repeat(Math.ceil(sizeBytes / text.length)));
}

/** Sealed segments of one event each, with metadata, as a writer leaves them. */
export function placeSealed(spool: Spool, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const id = idAt(index);
    const content = '{"n":1}\n';
    const metadata = encodeMetadata({
      formatVersion: 1,
      id,
      spoolId: spool.spoolId,
      writerId: WRITER,
      firstSequence: index,
      eventCount: 1,
      bytes: content.length,
      sha256: '0'.repeat(64),
      format: lineFormat.format,
      createdAt: new Date(0).toISOString(),
      sealedAt: new Date(0).toISOString(),
      sealReason: 'bytes',
      exportReady: true,
    });
    writeFileSync(spool.pathOf(`${id}.meta.json`), metadata, { mode: 0o600 });
    writeFileSync(spool.pathOf(`${id}.ndjson`), content, { mode: 0o600 });
  }
}
