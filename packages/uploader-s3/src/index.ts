export type { S3Addressing } from './object-address.ts';
export { checkKeyTemplate, DEFAULT_KEY_TEMPLATE, MAX_KEY_BYTES } from './object-key.ts';
export type { S3Credentials } from './s3-credentials.ts';
export { DEFAULT_S3_ERROR_TABLE, type S3ErrorMeaning, type S3ErrorTable } from './s3-error-table.ts';
export {
  DEFAULT_MIN_BYTES_PER_SECOND,
  DEFAULT_TIMEOUT_MS,
  S3Uploader,
  type S3UploaderOptions,
} from './s3-uploader.ts';
export { MIN_CLOCK_CORRECTION_MS } from './store-clock.ts';
