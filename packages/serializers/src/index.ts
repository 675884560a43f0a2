export { eventLineSchema } from './event-line-schema.ts';
export { JSONEventSerializer } from './json-event-serializer.ts';
export {
  DEFAULT_MAX_DECODED_BYTES,
  DEFAULT_MAX_EVENT_BYTES,
  jsonLinesFormat,
  MAX_NESTING_LEVELS,
} from './json-lines-format.ts';
export { type RawJSONLine, RawJSONLineSerializer } from './raw-json-line-serializer.ts';
