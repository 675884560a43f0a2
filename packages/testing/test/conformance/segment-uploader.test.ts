import { describe, it } from 'vitest';
import { describeSegmentUploader } from '../../src/conformance/index.ts';
import { RecordingUploader } from '../../src/index.ts';

describeSegmentUploader(
  'RecordingUploader',
  {
    create: () => {
      const uploader = new RecordingUploader();
      return {
        uploader,
        received: () => uploader.uploads.filter(({ bytes }) => bytes.byteLength > 0),
        answer: (kind) => {
          if (kind === 'hang') uploader.hold();
          uploader.otherwise(() => {
            if (kind === 'refuseForNow') return { status: 'retry', cause: new Error('busy') };
            return kind === 'refuseForEver' ? { status: 'rejected', cause: new Error('no') } : { status: 'accepted' };
          });
        },
      };
    },
  },
  { describe, it },
);
