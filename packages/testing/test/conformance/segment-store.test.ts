import { describe, it } from 'vitest';
import { describeSegmentStore } from '../../src/conformance/index.ts';
import { InMemorySegmentStore } from '../../src/index.ts';

describeSegmentStore(
  'InMemorySegmentStore',
  {
    create: () => new InMemorySegmentStore(),
    addSegment: async (store, content) => (await store.addSegment({ content })).id,
  },
  { describe, it },
);
