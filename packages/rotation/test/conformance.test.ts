import { defaultRotation, rotateByAge, rotateByBytes, rotateByEvents } from '@relaykit/rotation';
import { describeRotationPolicy } from '@relaykit/testing/conformance';
import type { ActiveSegment } from '@relaykit/types';
import { describe, it } from 'vitest';

const small: ActiveSegment = { id: 's', sizeBytes: 1_000, eventCount: 10, ageMs: 250.5 };
const empty: ActiveSegment = {
  id: 's',
  sizeBytes: 0,
  eventCount: 0,
  ageMs: 0,
  incoming: { eventCount: 1, sizeBytes: 9 },
};
const large: ActiveSegment = { id: 's', sizeBytes: 9_000_000, eventCount: 20_000, ageMs: 100_000 };
const almost: ActiveSegment = {
  ...large,
  sizeBytes: 1,
  eventCount: 9,
  incoming: { eventCount: 99_999, sizeBytes: 9e7 },
};

const testApi = { describe, it };
const keeps = [small, empty, { ...small, incoming: { eventCount: 1, sizeBytes: 100 } }];
describeRotationPolicy(
  'rotateByBytes',
  { create: () => rotateByBytes(4_096), keeps, rotates: [large, almost] },
  testApi,
);
describeRotationPolicy(
  'rotateByEvents',
  { create: () => rotateByEvents(100), keeps, rotates: [large, almost] },
  testApi,
);
describeRotationPolicy('rotateByAge', { create: () => rotateByAge(1_000), keeps, rotates: [large, almost] }, testApi);
describeRotationPolicy('defaultRotation', { create: defaultRotation, keeps, rotates: [large, almost] }, testApi);
