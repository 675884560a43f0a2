import { EncryptedSerializer, type KeySet } from '@relaykit/serializer-encrypted';
import { GzipSerializer } from '@relaykit/serializer-gzip';
import { createZstdSerializer } from '@relaykit/serializer-zstd';
import { type RawJSONLine, RawJSONLineSerializer } from '@relaykit/serializers';
import type { EventSerializer } from '@relaykit/types';
import { readKeyFile } from './key-file.ts';

export type LineSerializer = EventSerializer<RawJSONLine>;

/** What of the command line chooses a format. */
export interface FormatOptions {
  readonly gzip?: true;
  readonly zstd?: true;
  readonly keyFile?: string;
}

/** The format that these options ask to write. Compressed first, encrypted then. */
export async function formatToWrite({ gzip, zstd, keyFile }: FormatOptions): Promise<LineSerializer> {
  const plain = new RawJSONLineSerializer();
  const compressed = gzip ? new GzipSerializer(plain) : zstd ? await createZstdSerializer(plain) : plain;
  return keyFile === undefined ? compressed : encrypted(compressed, readKeyFile(keyFile));
}

/** Every format that the command knows, found by its file extension. Encrypted ones are known where keys are. */
export async function knownFormats({ keyFile }: Pick<FormatOptions, 'keyFile'>): Promise<readonly LineSerializer[]> {
  return formatsWith(keyFile === undefined ? undefined : readKeyFile(keyFile));
}

/** The same with these keys. */
export async function formatsWith(keys: KeySet | undefined): Promise<readonly LineSerializer[]> {
  const plain = new RawJSONLineSerializer();
  const open = [plain, new GzipSerializer(plain), await createZstdSerializer(plain)];
  return keys ? [...open, ...open.map((inner) => encrypted(inner, keys))] : open;
}

/** Without its keys an encrypted segment can be found, and no more. */
export function isEncrypted(fileExtension: string): boolean {
  return fileExtension.endsWith('.enc');
}

function encrypted(inner: LineSerializer, keys: KeySet): LineSerializer {
  return new EncryptedSerializer(inner, { keys });
}
