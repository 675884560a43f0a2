export type { NatsConnect, NatsConnectionOptions } from './nats-link.ts';
export { NatsUploader } from './nats-uploader.ts';
export {
  DEFAULT_MAX_IN_FLIGHT,
  DEFAULT_TIMEOUT_MS,
  type EventModeOptions,
  MIN_DUPLICATE_WINDOW_MS,
  type NatsUploaderOptions,
  type SegmentModeOptions,
} from './nats-uploader-options.ts';
export { checkSubject } from './subject.ts';
