export { describeEventPersisting } from './event-persisting.ts';
export type { EventPersistingHarness } from './event-persisting-harness.ts';
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
