export type { GzipEngineName } from './gzip-engine.ts';
export { DEFAULT_GZIP_LEVEL, GzipSerializer, type GzipSerializerOptions } from './gzip-serializer.ts';
