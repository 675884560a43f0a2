export { describeEventPersisting } from './event-persisting.ts';
export type { EventPersistingHarness } from './event-persisting-harness.ts';
export { describeEventSerializer } from './event-serializer.ts';
export type { DetectedDamage, EventMapping, EventSerializerHarness } from './event-serializer-harness.ts';
export { describeFileSystem, type FileSystemFixture, type FileSystemHarness } from './file-system.ts';
export { describeRotationPolicy, type RotationPolicyHarness } from './rotation-policy.ts';
export { describeSegmentStore, type SegmentStoreHarness } from './segment-store.ts';
export {
  describeSegmentUploader,
  type ReceivedUpload,
  type SegmentUploaderHarness,
  type UploaderUnderTest,
} from './segment-uploader.ts';
export type { TestApi } from './test-api.ts';
