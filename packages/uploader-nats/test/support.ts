import { InMemorySegmentStore } from '@relaykit/testing';
import type { LeasedSegment, LogFacts, Logger, SegmentFormat, SegmentMetadata, UploadResult } from '@relaykit/types';
import type { NatsUploader } from '@relaykit/uploader-nats';

export async function leasedSegment(
  content: Uint8Array | string,
  { format, ...metadata }: Partial<SegmentMetadata> & { readonly format?: SegmentFormat } = {},
): Promise<LeasedSegment> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const options = { content: bytes, writerId: 'k3f9q2m4xa', metadata, ...(format === undefined ? {} : { format }) };
  const info = await new InMemorySegmentStore().addSegment(options);
  return { info, idempotencyKey: info.id, sizeBytes: bytes.byteLength, stream: () => pieces(bytes) };
}

export function lines(count: number): string {
  return Array.from({ length: count }, (_, n) => `{"n":${n}}\n`).join('');
}

export async function upload(
  uploader: NatsUploader<never>,
  segment: LeasedSegment,
  signal: AbortSignal = new AbortController().signal,
): Promise<UploadResult> {
  return uploader.upload(segment, { signal });
}

export class MemoryLogger implements Logger {
  readonly lines: { readonly level: string; readonly message: string; readonly facts: LogFacts | undefined }[] = [];

  debug(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'debug', message, facts });
  }

  info(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'info', message, facts });
  }

  warn(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'warn', message, facts });
  }

  error(message: string, facts?: LogFacts): void {
    this.lines.push({ level: 'error', message, facts });
  }
}

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let position = 0; position < bytes.byteLength; position += 65_536)
    yield bytes.slice(position, position + 65_536);
}
