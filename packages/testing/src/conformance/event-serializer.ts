import { describeFrameBuilder } from './event-serializer-builder.ts';
import { describeDamage } from './event-serializer-damage.ts';
import { describeEncoding } from './event-serializer-encoding.ts';
import { type EventSerializerHarness, SerializerSubject, type SerializerTest } from './event-serializer-harness.ts';
import { describeLimits } from './event-serializer-limits.ts';
import { describeRandom } from './event-serializer-random.ts';
import { resolveTestApi, type TestApi } from './test-api.ts';

/**
 * Tests what `EventSerializer` promises: round trips, frames one after another, builders, limits, every cut and every
 * flipped bit of a small file, holes, salvage, and random events and damage.
 *
 * @param testApi - Defaults to the global `describe` and `it`.
 */
export function describeEventSerializer(name: string, harness: EventSerializerHarness, testApi?: TestApi): void {
  const { describe, it } = resolveTestApi(testApi);
  const test: SerializerTest = (title, run) => it(title, async () => run(await SerializerSubject.create(harness)));
  describe(`${name} is an EventSerializer`, () => {
    describeEncoding(test);
    describeFrameBuilder(test);
    describeLimits(test);
    describeDamage(test);
    describeRandom(test, harness.seed ?? Math.floor(Math.random() * 1_000_000_000));
  });
}
