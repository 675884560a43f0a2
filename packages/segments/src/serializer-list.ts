import type { EventSerializer } from '@relaykit/types';

/** Formats by which unfinished files are read, found by their file extension. */
export type SerializerList = readonly EventSerializer<unknown>[];
