import type { SegmentFormat } from '@relaykit/types';

/** JSON Lines (jsonlines.org) under the media type of NDJSON, which tools know best: one JSON value a line, UTF-8. */
export const jsonLinesFormat: SegmentFormat = Object.freeze({
  name: 'jsonl',
  fileExtension: 'ndjson',
  mediaType: 'application/x-ndjson',
});

/** 1 MiB: far above an honest event, far below what would make one event a burden for everybody else's. */
export const DEFAULT_MAX_EVENT_BYTES = 1_048_576;

/** 64 MiB for one line: above any sensible `maxEventBytes`, and what a hostile file can make a reader hold. */
export const DEFAULT_MAX_DECODED_BYTES = 67_108_864;

/**
 * Arrays and objects within each other. `JSON.stringify` ends near 5,000 levels before Node 26, so no ordinary event comes
 * close, while `JSON.parse` takes millions and needs memory for each.
 */
export const MAX_NESTING_LEVELS = 100_000;

export const LINE_FEED = 0x0a;
