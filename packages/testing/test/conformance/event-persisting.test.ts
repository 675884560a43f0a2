import type { EventPersisting } from '@relaykit/types';
import { describe, it } from 'vitest';
import { describeEventPersisting } from '../../src/conformance/index.ts';
import { InMemoryDiskWriter, MockDiskWriter } from '../../src/index.ts';

const api = { describe, it };

function readBack(persistence: EventPersisting<unknown>): unknown[] {
  if (persistence instanceof InMemoryDiskWriter || persistence instanceof MockDiskWriter) return persistence.events();
  throw new TypeError('not one of ours');
}

describeEventPersisting('InMemoryDiskWriter', { create: () => new InMemoryDiskWriter(), readBack }, api);
describeEventPersisting(
  'InMemoryDiskWriter with small segments',
  { create: () => new InMemoryDiskWriter({ maxSegmentEvents: 2 }), readBack },
  api,
);
const failNextStore = (persistence: EventPersisting<unknown>): void =>
  (persistence as MockDiskWriter<unknown>).failNext();
describeEventPersisting('MockDiskWriter', { create: () => new MockDiskWriter(), readBack, failNextStore }, api);
describeEventPersisting(
  'MockDiskWriter with writes alone',
  { create: () => new MockDiskWriter({ offersBatches: false, offersWriteSync: false }), readBack, failNextStore },
  api,
);
