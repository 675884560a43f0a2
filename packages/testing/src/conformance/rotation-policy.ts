import type { ActiveSegment, Instant, RotationPolicy, RotationReason } from '@relaykit/types';
import { check, checkEqual } from './check.ts';
import { resolveTestApi, type TestApi } from './test-api.ts';

/** How the suite gets at a policy. */
export interface RotationPolicyHarness {
  create(): RotationPolicy;
  /** Segments that may take more, with or without a batch about to be added. */
  readonly keeps: readonly ActiveSegment[];
  /** Segments that have to be sealed. */
  readonly rotates: readonly ActiveSegment[];
}

const now: Instant = { epochMs: 1_790_000_000_000, monotonicMs: 5_000_000 };

/**
 * Tests what `RotationPolicy` promises: a reason or nothing, no state, no dependence on the wall clock, and a next
 * check that comes when there is something to decide.
 *
 * @param testApi - Defaults to the global `describe` and `it`.
 */
export function describeRotationPolicy(name: string, harness: RotationPolicyHarness, testApi?: TestApi): void {
  const { describe, it } = resolveTestApi(testApi);
  const all = [...harness.keeps, ...harness.rotates];

  describe(`${name} is a RotationPolicy`, () => {
    it('lets segments within its limits take more', async () => {
      check(harness.keeps.length > 0, 'keeps: expected at least one segment');
      const policy = harness.create();
      for (const segment of harness.keeps) checkEqual(ask(policy, segment), undefined, title(segment));
    });

    it('says why a segment is sealed', async () => {
      check(harness.rotates.length > 0, 'rotates: expected at least one segment');
      const policy = harness.create();
      for (const segment of harness.rotates) {
        const reason = ask(policy, segment);
        check(
          typeof reason === 'string' && reason !== '',
          `${title(segment)}: expected a reason, got ${String(reason)}`,
        );
      }
    });

    it('answers the same however often and in whatever order it is asked', async () => {
      const policy = harness.create();
      const expected = all.map((segment) => ask(harness.create(), segment));
      for (let round = 0; round < 2; round += 1) {
        for (const [index, segment] of all.entries()) checkEqual(ask(policy, segment), expected[index], title(segment));
        for (const index of all.keys()) {
          const segment = all[all.length - 1 - index];
          if (segment) checkEqual(ask(policy, segment), expected[all.length - 1 - index], title(segment));
        }
      }
    });

    it('does not notice a leap of the wall clock', async () => {
      const policy = harness.create();
      for (const segment of all) {
        for (const leapMs of [-30 * 86_400_000, 30 * 86_400_000]) {
          const leapt = { ...now, epochMs: now.epochMs + leapMs };
          checkEqual(policy.shouldRotate(frozen(segment), leapt), ask(policy, segment), title(segment));
        }
      }
    });

    it('asks to be asked again only for a reason', async () => {
      const policy = harness.create();
      for (const segment of harness.keeps) {
        const { incoming: _, ...idle } = segment;
        const delayMs = policy.nextCheckMs?.(frozen(idle), now);
        if (delayMs === undefined) continue;
        check(delayMs >= 0 && Number.isFinite(delayMs), `nextCheckMs: expected a finite number >= 0, got ${delayMs}`);
        const older = { ...idle, ageMs: idle.ageMs + delayMs };
        const then = { epochMs: now.epochMs + delayMs, monotonicMs: now.monotonicMs + delayMs };
        const reason = policy.shouldRotate(frozen(older), then);
        check(reason !== undefined, `${title(segment)}: expected a reason after ${delayMs} ms, got undefined`);
      }
    });
  });
}

function ask(policy: RotationPolicy, segment: ActiveSegment): RotationReason | undefined {
  return policy.shouldRotate(frozen(segment), now);
}

/** A policy that writes to what it is given fails. */
function frozen(segment: ActiveSegment): ActiveSegment {
  return Object.freeze({ ...segment, ...(segment.incoming && { incoming: Object.freeze({ ...segment.incoming }) }) });
}

function title({ id: _, ...facts }: ActiveSegment): string {
  return `segment ${JSON.stringify(facts)}`;
}
