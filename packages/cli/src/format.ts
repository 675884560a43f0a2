const unitsOfBytes = ['kB', 'MB', 'GB', 'TB'];

/** `39,244 events`, `1 event`. */
export function formatCount(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Decimal units, three digits: `842 bytes`, `17.1 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return formatCount(bytes, 'byte');
  let value = bytes;
  let unit = '';
  for (const next of unitsOfBytes) {
    // 999.5 would be shown as 1000.
    if (value < 999.5) break;
    value /= 1_000;
    unit = next;
  }
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
}

const unitsOfTime = [
  { name: 'd', lengthMs: 86_400_000 },
  { name: 'h', lengthMs: 3_600_000 },
  { name: 'min', lengthMs: 60_000 },
];

/** Whole units, the largest that fits: `42 s`, `3 min`, `5 h`, `12 d`. A clock that was set back makes nothing negative. */
export function formatAge(ageMs: number): string {
  const unit = unitsOfTime.find(({ lengthMs }) => ageMs >= lengthMs);
  return unit ? `${Math.floor(ageMs / unit.lengthMs)} ${unit.name}` : `${Math.max(0, Math.floor(ageMs / 1_000))} s`;
}

/** Two units at most: `8 s`, `3 min 20 s`, `5 h 10 min`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** Events in a second, three digits: `0.25`, `12.4`, `3,210`. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.01) return '<0.01';
  return perSecond.toLocaleString(
    'en-US',
    perSecond < 1_000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 },
  );
}
