export { crc32, portableCrc32 } from './crc32.ts';
export type { ForeignPiece, FrameCodec } from './frame-codec.ts';
export { FramedSerializer } from './framed-serializer.ts';
export { type NodeZlib, nodeZlib, type ZlibOptions, zlibCall } from './node-zlib.ts';
