const HOUR_MS = 3_600_000;

/** Ends a segment once it is an hour old. */
export const hourlyPolicy = {
  shouldRotate: ({ ageMs }) => (ageMs >= HOUR_MS ? 'hourly' : undefined),
  nextCheckMs: ({ ageMs }) => Math.max(0, HOUR_MS - ageMs),
};
