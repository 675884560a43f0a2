import { JSONEventSerializer } from '@relaykit/serializers';
import { InMemorySegmentStore } from '@relaykit/testing';
import {
  describeEventPersisting,
  describeEventSerializer,
  describeRotationPolicy,
  describeSegmentStore,
  describeSegmentUploader,
} from '@relaykit/testing/conformance';
import { ArrayPersistence } from '../src/array-persistence.js';
import { ArrayUploader } from '../src/array-uploader.js';
import { hourlyPolicy } from '../src/hourly-policy.js';

const segment = { id: 'a', sizeBytes: 10, eventCount: 1 };

/** @param api - `describe` and `it` of a test runner; without it, the global ones. */
export function describeContracts(api) {
  describeEventPersisting(
    'ArrayPersistence',
    { create: () => new ArrayPersistence(), readBack: ({ lines }) => lines.map((line) => JSON.parse(line)) },
    api,
  );
  describeEventSerializer('JSONEventSerializer', { create: () => new JSONEventSerializer(), detects: 'syntax' }, api);
  describeRotationPolicy(
    'hourlyPolicy',
    {
      create: () => hourlyPolicy,
      keeps: [{ ...segment, ageMs: 0 }],
      rotates: [{ ...segment, ageMs: 3_600_000 }],
    },
    api,
  );
  describeSegmentStore(
    'InMemorySegmentStore',
    {
      create: () => new InMemorySegmentStore(),
      addSegment: async (store, content) => (await store.addSegment({ content })).id,
    },
    api,
  );
  describeSegmentUploader(
    'ArrayUploader',
    {
      create: () => {
        const uploader = new ArrayUploader();
        const answer = (kind) => {
          uploader.answer = kind;
        };
        return { uploader, received: () => uploader.received, answer };
      },
    },
    api,
  );
}
