// What blocks leave to their readers, made for the programs in which blocks run. Loaded before a block; makes only the
// names that the block uses and does not make itself, since some of them open files.
import strict from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RelayEventBuffer } from '@relaykit/buffer';
import type { FileDiskWriter } from '@relaykit/disk-writer';
import type { DiskExportQueue } from '@relaykit/export-queue';
import type { openSegmentStore } from '@relaykit/segments';
import type { MockDiskWriter } from '@relaykit/testing';
import type { Clock, EventPersisting, EventSerializer, FileHandle } from '@relaykit/types';
import type { S3Credentials } from '@relaykit/uploader-s3';

type Published = { readonly ok: true; readonly error?: never } | { readonly ok: false; readonly error: Error };

interface LeftToReaders {
  readonly buffer: RelayEventBuffer<unknown>;
  readonly clock: Clock;
  readonly events: readonly object[];
  readonly handle: FileHandle;
  readonly hasConsent: boolean;
  readonly myQueue: {
    publish(key: string, body: unknown, options: { signal?: AbortSignal | undefined }): Promise<Published>;
  };
  readonly MyWriter: new () => WriterUnderTest;
  readonly pageSomebody: (...facts: unknown[]) => void;
  readonly password: string;
  readonly persistence: EventPersisting<object>;
  readonly put: (id: string, bytes: Uint8Array) => Promise<void>;
  readonly putSomewhere: (
    key: string,
    body: AsyncIterable<Uint8Array>,
    sizeBytes: number,
    signal?: AbortSignal,
  ) => Promise<void>;
  readonly queue: DiskExportQueue;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
  readonly store: Awaited<ReturnType<typeof openSegmentStore>>;
  readonly temporaryCredentials: () => Promise<S3Credentials>;
  readonly url: string;
  readonly writer: FileDiskWriter<unknown>;
}

interface WriterUnderTest extends MockDiskWriter<unknown> {
  everythingStored(): Promise<readonly unknown[]>;
  breakOnce(): void;
  removeFiles(): Promise<void>;
}

/** For what looks at a block after it has run. */
interface ForChecks {
  readonly assert: typeof import('node:assert/strict');
  /** What the functions above were given. */
  readonly given: unknown[];
  /** Events that wait in a spool, `spool` by default, in any format that needs no key. */
  readonly waiting: (
    directory?: string,
    serializers?: readonly EventSerializer<unknown>[],
  ) => Promise<readonly unknown[]>;
  /** What the receiver of this page has taken, oldest first. */
  readonly received: () => Promise<readonly Received[]>;
}

interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Unpacked by `Content-Encoding`. */
  readonly lines: readonly string[];
}

declare global {
  const buffer: LeftToReaders['buffer'];
  const clock: LeftToReaders['clock'];
  const events: LeftToReaders['events'];
  const handle: LeftToReaders['handle'];
  const hasConsent: LeftToReaders['hasConsent'];
  const myQueue: LeftToReaders['myQueue'];
  const MyWriter: LeftToReaders['MyWriter'];
  const pageSomebody: LeftToReaders['pageSomebody'];
  const password: LeftToReaders['password'];
  const persistence: LeftToReaders['persistence'];
  const put: LeftToReaders['put'];
  const putSomewhere: LeftToReaders['putSomewhere'];
  const queue: LeftToReaders['queue'];
  const response: LeftToReaders['response'];
  const signal: LeftToReaders['signal'];
  const store: LeftToReaders['store'];
  const temporaryCredentials: LeftToReaders['temporaryCredentials'];
  const url: LeftToReaders['url'];
  const writer: LeftToReaders['writer'];

  const assert: ForChecks['assert'];
  const given: ForChecks['given'];
  const waiting: ForChecks['waiting'];
  const received: ForChecks['received'];
}

const receiver = process.env['RELAY_README_RECEIVER'] ?? '';
const takenByReaders: unknown[] = [];

const makers: { readonly [Name in keyof LeftToReaders]: () => LeftToReaders[Name] | Promise<LeftToReaders[Name]> } = {
  async buffer() {
    const [{ RelayEventBuffer }, { InMemoryDiskWriter }] = await Promise.all([
      import('@relaykit/buffer'),
      import('@relaykit/testing'),
    ]);
    return new RelayEventBuffer<unknown>({ persistence: new InMemoryDiskWriter() });
  },
  clock: async () => (await import('@relaykit/segments')).systemClock(),
  events: () => [{ n: 1 }, { n: 2 }],
  handle() {
    let failures = 2;
    const syncData = async (): Promise<void> => {
      failures -= 1;
      if (failures >= 0) throw Object.assign(new Error('busy'), { code: 'EAGAIN' });
      takenByReaders.push('synced');
    };
    return { syncData } as FileHandle;
  },
  hasConsent: () => false,
  myQueue: () => ({
    async publish(key) {
      takenByReaders.push(key);
      return { ok: true };
    },
  }),
  async MyWriter() {
    const { MockDiskWriter } = await import('@relaykit/testing');
    return class extends MockDiskWriter<unknown> implements WriterUnderTest {
      async everythingStored(): Promise<readonly unknown[]> {
        return this.events();
      }
      breakOnce(): void {
        this.failNext(1);
      }
      async removeFiles(): Promise<void> {}
    };
  },
  pageSomebody:
    () =>
    (...facts) =>
      void takenByReaders.push(...facts),
  password: () => 'secret',
  persistence: async () => new (await import('@relaykit/testing')).InMemoryDiskWriter<object>(),
  put: () => async (id, bytes) => void takenByReaders.push(id, new TextDecoder().decode(bytes)),
  putSomewhere: () => async (key, body, sizeBytes) => {
    let bytes = 0;
    for await (const piece of body) bytes += piece.byteLength;
    strict.equal(bytes, sizeBytes);
    takenByReaders.push(key);
  },
  async queue() {
    const [{ DiskExportQueue }, { InMemorySegmentStore, RecordingUploader }] = await Promise.all([
      import('@relaykit/export-queue'),
      import('@relaykit/testing'),
    ]);
    return new DiskExportQueue({ store: new InMemorySegmentStore(), uploader: new RecordingUploader() });
  },
  response: () => new ServerResponse(new IncomingMessage(new Socket())),
  signal: () => new AbortController().signal,
  store: async () => await (await import('@relaykit/segments')).openSegmentStore({ directory: 'spool' }),
  temporaryCredentials: () => async () => ({ accessKeyId: 'id', secretAccessKey: 'secret' }),
  url: () => `${receiver}/events`,
  writer: async () => new (await import('@relaykit/disk-writer')).FileDiskWriter<unknown>({ directory: 'spool' }),
};

const forChecks: ForChecks = {
  assert: strict,
  given: takenByReaders,
  async waiting(directory = 'spool', ofTheBlock = []) {
    const [{ readSpool }, { JSONEventSerializer }, { GzipSerializer }, { createZstdSerializer }] = await Promise.all([
      import('@relaykit/segments'),
      import('@relaykit/serializers'),
      import('@relaykit/serializer-gzip'),
      import('@relaykit/serializer-zstd'),
    ]);
    const lines = new JSONEventSerializer();
    const serializers = [...ofTheBlock, lines, new GzipSerializer(lines), await createZstdSerializer(lines)];
    const found: unknown[] = [];
    for await (const { event } of readSpool(directory, { serializers })) found.push(event);
    return found;
  },
  async received() {
    return (await (await fetch(`${receiver}/received`)).json()) as readonly Received[];
  },
};

Object.assign(globalThis, forChecks);
const program = readFileSync(process.argv[1] ?? '', 'utf8');
for (const [name, make] of Object.entries(makers)) {
  const isUsed = new RegExp(`\\b${name}\\b`, 'u').test(program);
  const isMade = new RegExp(`\\b(?:const|let) ${name}\\b`, 'u').test(program);
  if (isUsed && !isMade) Object.assign(globalThis, { [name]: await make() });
}
