// Goal: a flush does not wait for a clock that a test has faked, however early that was.
import { MockDiskWriter } from '@relaykit/testing';
import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.useRealTimers();
  vi.resetModules();
});

it.each(['before', 'after'])('stores and syncs where timers were faked %s the import', async (when) => {
  vi.resetModules();
  if (when === 'before') vi.useFakeTimers();
  const { RelayEventBuffer } = await import('../src/index.ts');
  vi.useFakeTimers();
  const persistence = new MockDiskWriter<object>();
  const buffer = new RelayEventBuffer<object>({ persistence });
  buffer.add({ n: 1 });
  await buffer.flush({ durability: 'synced' });
  expect(buffer.counts()).toMatchObject({ persisted: 1 });
  await buffer.close();
});
