import { JSONEventSerializer } from '@relaykit/serializers';
import { settle } from '@relaykit/testing';
import type { EncodedFrame, EventSerializer, FrameBuilder, FrameContext } from '@relaykit/types';
import { describe, expect, it } from 'vitest';
import { events, type TestEvent, WriterOnDisk } from './writer-on-disk.ts';

const json = new JSONEventSerializer<TestEvent>();
const base: EventSerializer<TestEvent> = {
  format: json.format,
  encode: (batch, context, limits) => json.encode(batch, context, limits),
  decode: (source, context) => json.decode(source, context),
  scan: (source) => json.scan(source),
};

describe('a serializer', () => {
  it('without encodeSync leaves the writer without writeSync', () => {
    const serializer = { ...base, createFrameBuilder: () => json.createFrameBuilder() };
    expect(new WriterOnDisk({ serializer }).writer.writeSync).toBeUndefined();
  });

  it('without a frame builder is used event by event, each recorded and judged as it is added', async () => {
    const serializer: EventSerializer<TestEvent> = {
      ...base,
      encodeSync: (batch, context, limits) => json.encodeSync(batch, context, limits),
    };
    const spool = new WriterOnDisk({ serializer, maxEventBytes: 20 });
    const batch = spool.writer.openBatch();
    const event = { n: 0 };
    expect(batch.add(event)).toBe('added');
    event.n = 99;
    expect(batch.add({ n: 1, text: 'x'.repeat(50) } as TestEvent)).toMatchObject({
      rejected: { code: 'RELAY_EVENT_TOO_LARGE' },
    });
    batch.add({ n: 2 });
    expect(batch).toMatchObject({ eventCount: 2, sizeBytes: 16 });
    await spool.writer.commit(batch);
    spool.writer.writeSync?.(events(3));
    const again = spool.writer.openBatch();
    expect(again).toMatchObject({ eventCount: 0, sizeBytes: 0 });
    expect(await spool.numbers()).toEqual([0, 2, 3]);
  });

  it('whose builder cannot finish at once is refused at exit, by name', async () => {
    const builder = (): FrameBuilder<TestEvent> => {
      const inner = json.createFrameBuilder();
      return wrap(inner, async (context) => inner.finish(context));
    };
    const serializer = {
      ...base,
      encodeSync: (batch: readonly TestEvent[], context: FrameContext) => json.encodeSync(batch, context),
      createFrameBuilder: builder,
    };
    const spool = new WriterOnDisk({ serializer });
    await spool.writer.write(events(0));
    expect(() => spool.writer.writeSync?.(events(1))).toThrow('Cannot write');
    expect(await spool.numbers()).toEqual([0]);
  });

  it('with a closing frame has it in every sealed segment', async () => {
    const serializer = { ...base, createFrameBuilder: () => json.createFrameBuilder(), closingFrame: closing };
    const spool = new WriterOnDisk({ serializer });
    await spool.writer.write(events(0, 2));
    const metadata = await spool.writer.rotate();
    expect(metadata).toMatchObject({ eventCount: 2 });
    expect(await spool.numbers()).toEqual(
      [0, 1, { n: 2, events: 2, bytes: 16 }].map((n) => (typeof n === 'number' ? n : 2)),
    );
  });

  it('that fails costs its batch, and nothing that was stored before', async () => {
    let isBroken = true;
    const createFrameBuilder = (): FrameBuilder<TestEvent> => {
      const inner = json.createFrameBuilder();
      return wrap(inner, (context) => {
        if (isBroken && inner.eventCount === 2) throw new Error('compressor');
        return inner.finish(context);
      });
    };
    const spool = new WriterOnDisk({ serializer: { ...base, createFrameBuilder } });
    await spool.writer.write(events(0));
    await expect(spool.writer.write(events(1, 2))).rejects.toThrow('compressor');
    isBroken = false;
    await spool.writer.write(events(1, 2));
    expect(await spool.numbers()).toEqual([0, 1, 2]);
  });
});

describe('a slow serializer', () => {
  it('may be aborted while it works: nothing of the batch is stored, and the batch may be used again', async () => {
    const { serializer, finishing, release } = slow();
    const spool = new WriterOnDisk({ serializer });
    await spool.writer.open();
    const controller = new AbortController();
    const batch = spool.writer.openBatch();
    batch.add({ n: 0 });
    const aborted = spool.writer.commit(batch, { signal: controller.signal });
    const other = spool.writer.write(events(1));
    const watched = expect(aborted).rejects.toThrow('enough');
    await settle();
    expect(finishing()).toBeGreaterThan(0);
    controller.abort(new Error('enough'));
    await watched;
    batch.add({ n: 2 });
    release();
    await other;
    await spool.writer.commit(batch);
    expect(await spool.numbers()).toEqual([1, 0, 2]);
  });

  it('may be overtaken by the exit path: everything is stored once', async () => {
    const { serializer, release } = slow();
    const spool = new WriterOnDisk({ serializer });
    await spool.writer.open();
    const batch = events(0, 2);
    const written = spool.writer.write(batch, { durability: 'synced' });
    const behind = spool.writer.write(events(2));
    await settle();
    spool.writer.writeSync?.(batch);
    spool.writer.writeSync?.(events(3));
    expect(await spool.numbers()).toEqual([0, 1, 2, 3]);
    release();
    expect(await written).toMatchObject({ firstSequence: 0, eventCount: 2 });
    expect(await behind).toMatchObject({ firstSequence: 2 });
    await spool.writer.close();
    expect(await spool.numbers()).toEqual([0, 1, 2, 3]);
  });
});

function closing(context: { readonly eventCount: number; readonly sizeBytes: number }): Uint8Array {
  return new TextEncoder().encode(`{"n":2,"events":${context.eventCount},"bytes":${context.sizeBytes}}\n`);
}

function wrap(
  inner: FrameBuilder<TestEvent>,
  finish: (context: FrameContext) => EncodedFrame | Promise<EncodedFrame>,
): FrameBuilder<TestEvent> {
  return {
    add: (event) => inner.add(event),
    get eventCount() {
      return inner.eventCount;
    },
    get sizeBytes() {
      return inner.sizeBytes;
    },
    finish,
    reset: () => inner.reset(),
  };
}

/** Frames are finished when the test says so. */
function slow(): {
  readonly serializer: EventSerializer<TestEvent>;
  readonly finishing: () => number;
  readonly release: () => void;
} {
  let isReleased = false;
  const waiting: (() => void)[] = [];
  const createFrameBuilder = (): FrameBuilder<TestEvent> => {
    const inner = json.createFrameBuilder();
    const finish = async (context: FrameContext): Promise<EncodedFrame> => {
      const { bytes, ...frame } = inner.finish(context) as EncodedFrame;
      const copy = bytes.slice();
      if (!isReleased) await new Promise<void>((resolve) => waiting.push(resolve));
      return { bytes: copy, ...frame };
    };
    return Object.assign(wrap(inner, finish), {
      finishSync: (context: FrameContext) => inner.finish(context) as EncodedFrame,
    });
  };
  const encodeSync = (batch: readonly TestEvent[], context: FrameContext): EncodedFrame =>
    json.encodeSync(batch, context);
  return {
    serializer: { ...base, encodeSync, createFrameBuilder },
    finishing: () => waiting.length,
    release: () => {
      isReleased = true;
      for (const goOn of waiting.splice(0)) goOn();
    },
  };
}
