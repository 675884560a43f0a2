/**
 * The facts each error code carries. A code is API: adding one is a minor release, changing one is a major.
 * The wording of messages is free to improve. No fact ever holds an event, a key or a credential.
 */
export interface RelayErrorFacts {
  /** The object was closed, or is closing. Nothing was done. */
  RELAY_CLOSED: { readonly operation: string };
  /** The disk or its quota is full. Nothing was acknowledged; the same call may succeed once there is room. */
  RELAY_STORAGE_FULL: {
    readonly path: string;
    readonly operation: StorageOperation;
    /** How often the operation was tried, at least 1. */
    readonly attempts: number;
    /** The operating system's code: `ENOSPC`, `EDQUOT`, or `RELAY_RETENTION` for the spool's own limit. */
    readonly systemCode: string;
  };
  /** Storage failed otherwise. Nothing was acknowledged; pass the batch again once the cause is gone. */
  RELAY_STORAGE_FAILED: {
    readonly path: string;
    readonly operation: StorageOperation;
    /** How often the operation was tried, at least 1. */
    readonly attempts: number;
    /** The operating system's code, such as `EACCES`; `undefined` where the cause carries none. */
    readonly systemCode: string | undefined;
  };
  /** The spool directory may be read or changed by others, or is not a directory of ours. Nothing was touched. */
  RELAY_SPOOL_UNSAFE: { readonly path: string; readonly rule: SpoolSafetyRule };
  /** The spool was written by a newer version of the format, or `spool.json` is not ours. Nothing was touched. */
  RELAY_SPOOL_UNSUPPORTED: {
    readonly path: string;
    /** The version found; `undefined` where none could be read. */
    readonly foundVersion: number | undefined;
    readonly supportedVersion: number;
  };
  /** Kernel file locks do not work here, so ownership of files cannot be shown. The message names the way out. */
  RELAY_LOCK_UNAVAILABLE: { readonly path: string };
  /** A lock was held by another owner for longer than the operation waits. */
  RELAY_LOCK_BUSY: { readonly path: string; readonly waitedMs: number };
  /** Stored bytes are not what was written. What is intact around them stays readable. */
  RELAY_SEGMENT_DAMAGED: {
    readonly segmentId: string;
    readonly positionBytes: number;
    readonly reason: DamageReason;
    /** Of the damaged frame, where its header says it and what follows can be read on its own. */
    readonly lengthBytes?: number;
  };
  /** Bytes that end in the middle of a frame: the file was cut off. */
  RELAY_SEGMENT_TRUNCATED: { readonly segmentId: string; readonly positionBytes: number };
  /** An encrypted segment needs a key that the key ring does not have. The segment stays where it is. */
  RELAY_KEY_MISSING: { readonly segmentId: string; readonly keyId: string };
  /** Decoding would exceed a limit that guards memory. */
  RELAY_LIMIT_EXCEEDED: { readonly limit: string; readonly maximum: number };
  /** One event is larger than `maxEventBytes`. Its neighbours are not affected. */
  RELAY_EVENT_TOO_LARGE: { readonly sizeBytes: number; readonly maxEventBytes: number };
  /** One event has no representation in the format. Its neighbours are not affected. */
  RELAY_EVENT_UNSERIALIZABLE: { readonly reason: UnserializableReason };
  /** Events that `close()` could not persist. They are counted, and lost with the process. */
  RELAY_EVENTS_UNPERSISTED: { readonly eventCount: number };
  /** The quarantine has no room for another segment within its bounds. The segment stays where it is. */
  RELAY_QUARANTINE_FULL: {
    readonly path: string;
    readonly segments: number;
    readonly bytes: number;
    readonly maxSegments: number;
    readonly maxBytes: number;
  };
  /** The upload queue stopped itself, because going on would empty the spool into a wrong address. */
  RELAY_UPLOAD_BLOCKED: { readonly reason: string };
  /** One upload failed. Whether it will be tried again is the queue's decision. */
  RELAY_UPLOAD_FAILED: {
    readonly segmentId: string;
    /** HTTP status, where a response came. */
    readonly status: number | undefined;
    /** The operating system's or the HTTP client's code, such as `ECONNREFUSED`. */
    readonly systemCode: string | undefined;
  };
}

/** Which step on the file system failed. */
export type StorageOperation =
  | 'createDirectory'
  | 'create'
  | 'open'
  | 'lock'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'read'
  | 'rename'
  | 'remove'
  | 'list'
  | 'stat'
  | 'syncDirectory'
  | 'freeSpace'
  | 'seal';

/** Why a spool directory is refused. */
export type SpoolSafetyRule =
  | 'notADirectory'
  | 'symbolicLink'
  | 'ownedByAnotherUser'
  | 'writableByOthers'
  | 'networkFileSystem';

/** What is wrong with stored bytes: `checksum` and `authentication` are certain, `syntax` is what a reader saw. */
export type DamageReason = 'checksum' | 'authentication' | 'syntax' | 'counts';

/** Why an event cannot be encoded. */
export type UnserializableReason = 'cycle' | 'bigint' | 'undefined' | 'throws' | 'syntax' | 'tooDeep';

/** What happened, as API: codes are added in minor releases and changed in major ones. */
export type RelayErrorCode = keyof RelayErrorFacts;

/** Any failure a caller may handle. Programming mistakes throw `TypeError` or `RangeError` instead. */
export class RelayError<Code extends RelayErrorCode = RelayErrorCode> extends Error {
  override readonly name = 'RelayError';
  readonly code: Code;
  readonly facts: RelayErrorFacts[Code];

  constructor(code: Code, message: string, facts: RelayErrorFacts[Code], options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.facts = facts;
  }
}

/** One member per code, so that a test of `code` narrows `facts`. */
export type AnyRelayError = { [Code in RelayErrorCode]: RelayError<Code> }[RelayErrorCode];

/** Recognises our errors, of any code, across duplicate installs, where `instanceof RelayError` cannot. */
export function isRelayError(value: unknown): value is AnyRelayError;
/** Recognises our errors with this code across duplicate installs, where `instanceof RelayError` cannot. */
export function isRelayError<Code extends RelayErrorCode>(value: unknown, code: Code): value is RelayError<Code>;
export function isRelayError(value: unknown, code?: RelayErrorCode): boolean {
  if (!(value instanceof Error) || value.name !== 'RelayError' || !('code' in value) || !('facts' in value))
    return false;
  return code === undefined ? typeof value.code === 'string' : value.code === code;
}
