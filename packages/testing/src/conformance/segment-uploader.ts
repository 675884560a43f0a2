import type { LeasedSegment, SegmentUploader, UploadResult } from '@relaykit/types';
import { InMemorySegmentStore } from '../in-memory-segment-store.ts';
import { check, checkBytes, checkEqual, rejectionOf } from './check.ts';
import { resolveTestApi, type TestApi } from './test-api.ts';

/** What came out at the other end of an upload. */
export interface ReceivedUpload {
  readonly idempotencyKey: string;
  readonly bytes: Uint8Array;
}

/** An uploader with a receiver behind it. */
export interface UploaderUnderTest {
  readonly uploader: SegmentUploader;
  /** Whole uploads that the receiver has seen, in order. */
  received(): readonly ReceivedUpload[] | Promise<readonly ReceivedUpload[]>;
  /** How the receiver answers from now on. It begins with `accept`; `hang` never answers. */
  answer(kind: 'accept' | 'refuseForNow' | 'refuseForEver' | 'hang'): void;
  /** Stops the receiver; called after each test, the uploader being closed. */
  dispose?(): void | Promise<void>;
}

/** What `describeSegmentUploader` needs of an uploader. */
export interface SegmentUploaderHarness {
  /** Called once a test. */
  create(): UploaderUnderTest | Promise<UploaderUnderTest>;
}

/**
 * Tests what `SegmentUploader` promises: every byte arrives under the segment's key, answers become results, and an
 * abort ends an attempt.
 *
 * @param testApi - Defaults to the global `describe` and `it`.
 */
export function describeSegmentUploader(name: string, harness: SegmentUploaderHarness, testApi?: TestApi): void {
  const { describe, it } = resolveTestApi(testApi);
  const test = (title: string, run: (subject: UploaderUnderTest) => Promise<void>): void => {
    it(title, async () => {
      const subject = await harness.create();
      try {
        await run(subject);
      } finally {
        await subject.uploader.close?.();
        await subject.dispose?.();
      }
    });
  };

  describe(`${name} is a SegmentUploader`, () => {
    test('delivers every byte under the segment’s key', async (subject) => {
      const small = await leasedSegment('{"n":1}\n');
      const large = await leasedSegment(`{"text":"${'é'.repeat(200_000)}"}\n`);
      for (const { segment } of [small, large])
        checkEqual((await upload(subject, segment)).status, 'accepted', 'status');
      await checkReceived(subject, [small, large]);
    });

    test('sends a segment again, whole, under the same key', async (subject) => {
      const segment = await leasedSegment('{"n":1}\n{"n":2}\n');
      subject.answer('refuseForNow');
      checkEqual((await upload(subject, segment.segment)).status, 'retry', 'status');
      subject.answer('accept');
      checkEqual((await upload(subject, segment.segment)).status, 'accepted', 'status');
      await checkReceived(subject, [segment, segment]);
    });

    test('reports what is refused for ever, and why', async (subject) => {
      const { segment } = await leasedSegment('{"n":1}\n');
      subject.answer('refuseForEver');
      const result = await upload(subject, segment);
      check(result.status === 'rejected', `status: expected rejected, got ${result.status}`);
      check(result.cause !== undefined, 'cause: expected one, got undefined');
    });

    test('sends nothing when aborted before the call', async (subject) => {
      const { segment } = await leasedSegment('{"n":1}\n');
      const reason = new Error('shutting down');
      const error = await rejectionOf(
        subject.uploader.upload(segment, { signal: AbortSignal.abort(reason) }),
        'upload with an aborted signal',
      );
      check(error === reason, `rejection: expected the signal's reason, got ${String(error)}`);
      await checkReceived(subject, []);
    });

    test('ends an attempt that is aborted while it waits', async (subject) => {
      const { segment } = await leasedSegment('{"n":1}\n');
      const reason = new Error('shutting down');
      const controller = new AbortController();
      subject.answer('hang');
      const call = subject.uploader.upload(segment, { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 20);
      const error = await rejectionOf(call, 'upload that is aborted');
      check(error === reason, `rejection: expected the signal's reason, got ${String(error)}`);
    });

    test('closes more than once', async ({ uploader }) => {
      await uploader.close?.();
      await uploader.close?.();
    });
  });
}

interface PreparedSegment {
  readonly segment: LeasedSegment;
  readonly bytes: Uint8Array;
}

async function leasedSegment(content: string): Promise<PreparedSegment> {
  const bytes = new TextEncoder().encode(content);
  const info = await new InMemorySegmentStore().addSegment({ content: bytes });
  const segment = { info, idempotencyKey: info.id, sizeBytes: bytes.byteLength, stream: () => pieces(bytes) };
  return { segment, bytes };
}

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  const pieceBytes = 64 * 1024;
  for (let position = 0; position < bytes.byteLength; position += pieceBytes) {
    yield bytes.slice(position, position + pieceBytes);
  }
}

function upload({ uploader }: UploaderUnderTest, segment: LeasedSegment): Promise<UploadResult> {
  return uploader.upload(segment, { signal: new AbortController().signal });
}

async function checkReceived(subject: UploaderUnderTest, expected: readonly PreparedSegment[]): Promise<void> {
  const received = await subject.received();
  checkEqual(
    received.map(({ idempotencyKey }) => idempotencyKey),
    expected.map(({ segment }) => segment.idempotencyKey),
    'keys of received uploads',
  );
  for (const [index, { bytes }] of expected.entries()) {
    checkBytes(received[index]?.bytes ?? new Uint8Array(), bytes, `bytes of upload ${index}`);
  }
}
