import {
  MIN_SEGMENT_AGE_MS,
  MIN_SEGMENT_BYTES,
  rotateByAge,
  rotateByBytes,
  rotateByEvents,
  rotateWhenAny,
} from '@relaykit/rotation';
import { ManualClock } from '@relaykit/testing';
import type { ActiveSegment, Instant, RotationPolicy } from '@relaykit/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const now: Instant = { epochMs: 1_700_000_000_000, monotonicMs: 5_000 };
const segment = (change: Partial<ActiveSegment>): ActiveSegment => ({
  id: 's',
  sizeBytes: 500,
  eventCount: 5,
  ageMs: 0,
  ...change,
});
const ask = (policy: RotationPolicy, change: Partial<ActiveSegment>) => policy.shouldRotate(segment(change), now);
const batch = (sizeBytes: number, eventCount = 1) => ({ incoming: { sizeBytes, eventCount } });

describe('rotateByBytes', () => {
  const policy = rotateByBytes(2_000);

  it.each([
    [{ sizeBytes: 1_999 }, undefined],
    [{ sizeBytes: 2_000 }, 'bytes'],
    [{ sizeBytes: 9_999 }, 'bytes'],
    [{ sizeBytes: 1_000, ...batch(1_000) }, undefined],
    [{ sizeBytes: 1_000, ...batch(1_001) }, 'bytes'],
    [{ sizeBytes: 2_000, ...batch(0) }, 'bytes'],
  ])('%o: %s', (change, reason) => {
    expect(ask(policy, change)).toBe(reason);
  });

  it('lets an empty segment take a batch that is too large for any', () => {
    expect(ask(policy, { sizeBytes: 0, eventCount: 0, ...batch(5_000) })).toBeUndefined();
    expect(ask(policy, { sizeBytes: 3_000, eventCount: 0 })).toBeUndefined();
  });

  it('asks for no timer', () => {
    expect(policy.nextCheckMs).toBeUndefined();
  });

  it('keeps every segment within the limit, unless one batch alone exceeds it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3_000 })), (batches) => {
        let sizeBytes = 0;
        let eventCount = 0;
        for (const size of batches) {
          if (ask(policy, { sizeBytes, eventCount, ...batch(size) })) [sizeBytes, eventCount] = [0, 0];
          sizeBytes += size;
          eventCount += 1;
          expect(sizeBytes <= 2_000 || eventCount === 1).toBe(true);
        }
      }),
    );
  });
});

describe('rotateByEvents', () => {
  const policy = rotateByEvents(10);

  it.each([
    [{ eventCount: 9 }, undefined],
    [{ eventCount: 10 }, 'events'],
    [{ eventCount: 6, ...batch(1, 4) }, undefined],
    [{ eventCount: 6, ...batch(1, 5) }, 'events'],
    [{ eventCount: 0, ...batch(1, 11) }, undefined],
  ])('%o: %s', (change, reason) => {
    expect(ask(policy, change)).toBe(reason);
  });
});

describe('rotateByAge', () => {
  const policy = rotateByAge(1_000);

  it.each([
    [{ ageMs: 999.9 }, undefined],
    [{ ageMs: 1_000 }, 'age'],
    [{ ageMs: 5_000, eventCount: 0 }, undefined],
  ])('%o: %s', (change, reason) => {
    expect(ask(policy, change)).toBe(reason);
  });

  it.each([
    [{ ageMs: 0 }, 1_000],
    [{ ageMs: 400.5 }, 600],
    [{ ageMs: 1_000 }, 0],
    [{ ageMs: 7_000 }, 0],
    [{ ageMs: 400, eventCount: 0 }, undefined],
  ])('%o: to be looked at again in %s ms', (change, delayMs) => {
    expect(policy.nextCheckMs?.(segment(change), now)).toBe(delayMs);
  });

  it('ends a segment on time though no event arrives and the wall clock leaps', () => {
    const clock = new ManualClock();
    const rotatedAtMs: number[] = [];
    const look = () => {
      const aged = segment({ ageMs: clock.monotonicMs() });
      const moment = { epochMs: clock.now(), monotonicMs: clock.monotonicMs() };
      if (policy.shouldRotate(aged, moment) !== undefined) return void rotatedAtMs.push(clock.monotonicMs());
      const delayMs = policy.nextCheckMs?.(aged, moment);
      if (delayMs !== undefined) clock.setTimer(delayMs, look);
    };
    look();
    clock.leapWallClock(30 * 86_400_000);
    clock.advance(500);
    clock.leapWallClock(-60 * 86_400_000);
    clock.advance(5_000);
    expect(rotatedAtMs).toEqual([1_000]);
  });

  it('rotates at the check it asked for, whatever the age was', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 10_000, noNaN: true }), (ageMs) => {
        const delayMs = policy.nextCheckMs?.(segment({ ageMs }), now) ?? Number.NaN;
        expect(ask(policy, { ageMs: ageMs + delayMs })).toBe('age');
      }),
    );
  });
});

describe('rotateWhenAny', () => {
  const policy = rotateWhenAny(rotateByBytes(2_000), rotateByAge(1_000), rotateByEvents(10));

  it('gives the reason of the first that has one', () => {
    expect(ask(policy, {})).toBeUndefined();
    expect(ask(policy, { eventCount: 10 })).toBe('events');
    expect(ask(policy, { eventCount: 10, ageMs: 1_000 })).toBe('age');
    expect(ask(policy, { eventCount: 10, ageMs: 1_000, sizeBytes: 2_000 })).toBe('bytes');
  });

  it('looks again when the earliest of them asks to', () => {
    const both = (...policies: RotationPolicy[]) => rotateWhenAny(...policies).nextCheckMs?.(segment({}), now);
    expect(both(rotateByAge(3_000), rotateByAge(2_000), rotateByAge(4_000))).toBe(2_000);
    expect(both(rotateByBytes(2_000), rotateByAge(3_000))).toBe(3_000);
    expect(both(rotateByBytes(2_000), rotateByEvents(1))).toBeUndefined();
  });

  it('passes segment and moment on', () => {
    const seen: unknown[] = [];
    const spy: RotationPolicy = {
      shouldRotate: (...args) => void seen.push(args),
      nextCheckMs: (...args) => void seen.push(args),
    };
    const given = segment({});
    rotateWhenAny(spy).shouldRotate(given, now);
    rotateWhenAny(spy).nextCheckMs?.(given, now);
    expect(seen).toEqual([
      [given, now],
      [given, now],
    ]);
  });

  it('refuses to be empty, and what is no policy', () => {
    expect(() => rotateWhenAny()).toThrow(new TypeError('rotateWhenAny needs at least one policy, got none'));
    for (const value of [undefined, null, {}, 7]) {
      expect(() => rotateWhenAny(rotateByEvents(1), value as never)).toThrow(
        new TypeError('rotateWhenAny: argument 1 must be a rotation policy, with a method shouldRotate'),
      );
    }
  });
});

describe('options', () => {
  it.each([
    [rotateByBytes, 'maxBytes', MIN_SEGMENT_BYTES],
    [rotateByAge, 'maxAgeMs', MIN_SEGMENT_AGE_MS],
    [rotateByEvents, 'maxEvents', 1],
  ])('%o: %s is a whole number, at least %d', (make, option, minimum) => {
    expect(() => make(minimum)).not.toThrow();
    for (const value of [minimum - 1, minimum + 0.5, Number.NaN, Number.POSITIVE_INFINITY, -minimum]) {
      const message = `${option} must be a whole number >= ${minimum}, got ${value}`;
      expect(() => make(value)).toThrow(new RangeError(message));
    }
    expect(() => make(`${minimum}` as never)).toThrow(RangeError);
    expect(() => make(undefined as never)).toThrow('got undefined');
  });
});
