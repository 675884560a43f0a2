import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ActiveSegmentFile, Spool } from '@relaykit/segments';
import { JSONEventSerializer } from '@relaykit/serializers';

/** A spool on disk with sealed segments of numbered events: `{"n":0}`, `{"n":1}` … */
export async function filledSpool(
  onTestFinished: (remove: () => void) => void,
  { segments, eventsEach }: { readonly segments: number; readonly eventsEach: number },
): Promise<string> {
  const directory = join(mkdtempSync(join(tmpdir(), 'relaykit-')), 'spool');
  onTestFinished(() => rmSync(join(directory, '..'), { recursive: true, force: true }));
  const spool = Spool.openSync({ directory });
  const serializer = new JSONEventSerializer<{ n: number }>();
  const startMs = Date.now() - segments * 1_000;
  for (let index = 0; index < segments; index += 1) {
    const firstSequence = index * eventsEach;
    const segment = new ActiveSegmentFile({
      spool,
      writerId: 'k3f9q2m4xa',
      firstSequence,
      createdAtMs: startMs + index * 1_000,
      format: serializer.format,
      isAtomic: false,
    });
    const events = Array.from({ length: eventsEach }, (_, n) => ({ n: firstSequence + n }));
    segment.appendSync([
      await serializer.encode(events, { spoolId: spool.spoolId, segmentId: segment.id, frameIndex: 0 }),
    ]);
    await segment.seal({ reason: 'flush' });
  }
  return directory;
}
