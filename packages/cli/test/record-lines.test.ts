// Goal: every line of input is stored, refused with its number, or blank; nothing counts before it is stored.
// Method: a writer in memory that can be slow or fail, and inputs cut into chunks.
import type { BatchAddOutcome, EventBatch, WriteReceipt } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { type LineWriter, type RecordLinesOptions, type RecordProgress, recordLines } from '../src/record-lines.ts';

class ListWriter implements LineWriter {
  readonly stored: string[] = [];
  openBatches = 0;
  failsAt = Number.POSITIVE_INFINITY;
  #commits = 0;

  openBatch(): EventBatch<Uint8Array> {
    const lines: string[] = [];
    this.openBatches += 1;
    return {
      add: (bytes): BatchAddOutcome => {
        const text = Buffer.from(bytes).toString('utf8');
        try {
          JSON.parse(text);
        } catch {
          return { rejected: new Error('not JSON') };
        }
        lines.push(text);
        return 'added';
      },
      get eventCount() {
        return lines.length;
      },
      sizeBytes: 0,
      release: () => {
        this.openBatches -= 1;
      },
      lines,
    } as EventBatch<Uint8Array>;
  }

  async commit(batch: EventBatch<Uint8Array>): Promise<WriteReceipt> {
    this.#commits += 1;
    if (this.#commits === this.failsAt) throw new Error('the disk is gone');
    const { lines } = batch as EventBatch<Uint8Array> & { lines: string[] };
    this.stored.push(...lines);
    batch.release();
    return {
      segmentId: 's',
      writerId: 'w',
      firstSequence: 0,
      eventCount: lines.length,
      durability: 'written',
      rejected: [],
    };
  }
}

async function* chunksOf(...chunks: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

function setUp(chunks: readonly string[], options: Partial<RecordLinesOptions> = {}) {
  const writer = new ListWriter();
  const refused: { number: number; reason: string }[] = [];
  const acknowledged: RecordProgress[] = [];
  const run = recordLines({
    input: chunksOf(...chunks),
    writer,
    maxLineBytes: 1_000,
    isStrict: false,
    signal: new AbortController().signal,
    onRefused: (line) => void refused.push(line),
    onStored: (progress) => void acknowledged.push(progress),
    ...options,
  });
  return { writer, refused, acknowledged, run };
}

describe('recordLines', () => {
  it('stores the good lines in order, names the bad ones, and leaves blank ones out', async () => {
    const { writer, refused, acknowledged, run } = setUp([
      '\uFEFF{"a":1}\r\n\n[1',
      ']\nnope\n  \t\r\n',
      ' 1.0 \n"last"',
    ]);
    expect(await run).toEqual({ lines: 7, stored: 4, refused: 1, blank: 2, endedBy: 'end' });
    expect(writer.stored).toEqual(['{"a":1}', '[1]', ' 1.0 ', '"last"']);
    expect(refused).toEqual([{ number: 4, reason: 'not JSON' }]);
    expect(acknowledged).toEqual([
      { lines: 2, stored: 1, refused: 0, blank: 1 },
      { lines: 5, stored: 2, refused: 1, blank: 2 },
      { lines: 6, stored: 3, refused: 1, blank: 2 },
      { lines: 7, stored: 4, refused: 1, blank: 2 },
    ]);
    expect(writer.openBatches).toBe(0);
  });

  it('stops at the first bad line where it is strict, with all lines before it stored', async () => {
    const { writer, refused, acknowledged, run } = setUp(['1\n2\n', '3\nno\n4\n', '5\n'], { isStrict: true });
    expect(await run).toMatchObject({ lines: 4, stored: 3, refused: 1, endedBy: 'refused' });
    expect(writer.stored).toEqual(['1', '2', '3']);
    expect(refused.map(({ number }) => number)).toEqual([4]);
    expect(acknowledged.at(-1)).toEqual({ lines: 4, stored: 3, refused: 1, blank: 0 });
  });

  it('gives back batches in which there is nothing to store', async () => {
    const { writer, run } = setUp(['\n\n', 'no\n', '{"half', '"\n']);
    expect(await run).toMatchObject({ lines: 4, stored: 0 });
    expect(writer.openBatches).toBe(0);
  });

  it('is strict about the last line, too', async () => {
    expect(await setUp(['1\n{"cut'], { isStrict: true }).run).toMatchObject({ stored: 1, endedBy: 'refused' });
  });

  it('refuses a line that is too long by its size and goes on', async () => {
    const { writer, refused, run } = setUp([`1\n"${'x'.repeat(40)}`, `${'y'.repeat(60)}"\n2\n`], { maxLineBytes: 50 });
    expect(await run).toMatchObject({ lines: 3, stored: 2, refused: 1 });
    expect(writer.stored).toEqual(['1', '2']);
    expect(refused).toEqual([{ number: 2, reason: 'it is 102 bytes long; a line may have 50' }]);
  });

  it('asks for the next chunk only when the last is stored', async () => {
    const order: string[] = [];
    async function* input(): AsyncGenerator<Uint8Array> {
      for (const chunk of ['1\n', '2\n']) {
        order.push(`asked for ${chunk.trim()}`);
        yield Buffer.from(chunk);
      }
    }
    await setUp([], { input: input(), onStored: ({ stored }) => void order.push(`stored ${stored}`) }).run;
    expect(order).toEqual(['asked for 1', 'stored 1', 'asked for 2', 'stored 2']);
  });

  it('fails with the writer, having acknowledged only what was stored before', async () => {
    const { writer, acknowledged, run } = setUp(['1\n', '2\n', '3\n']);
    writer.failsAt = 2;
    await expect(run).rejects.toThrow('the disk is gone');
    expect(acknowledged).toEqual([{ lines: 1, stored: 1, refused: 0, blank: 0 }]);
    expect(writer.stored).toEqual(['1']);
  });

  it('stops at a signal while it waits, with whole lines stored and the unfinished one left out', async () => {
    const controller = new AbortController();
    async function* input(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('1\n2\n{"unfin');
      await new Promise(() => undefined);
    }
    const { writer, run } = setUp([], {
      input: input(),
      signal: controller.signal,
      onStored: () => controller.abort(),
    });
    expect(await run).toEqual({ lines: 2, stored: 2, refused: 0, blank: 0, endedBy: 'signal', unfinishedBytes: 7 });
    expect(writer.stored).toEqual(['1', '2']);
  });

  it('stops at a signal that comes between two chunks', async () => {
    const controller = new AbortController();
    const { run } = setUp(['1\n', '2\n', '3\n'], {
      signal: controller.signal,
      onStored: ({ stored }) => (stored === 2 ? controller.abort() : undefined),
    });
    expect(await run).toMatchObject({ stored: 2, endedBy: 'signal', unfinishedBytes: 0 });
  });
});
