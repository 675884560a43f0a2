/** Values of JSON that serializers have been seen to trip over. */
export const unusualValues: readonly unknown[] = [
  {},
  [],
  null,
  true,
  0,
  -0.5e-300,
  '',
  'a line\nbreak, a return\r, a tab\t, a quote ", a backslash \\ and NUL \u0000',
  'line separators \u2028 \u2029 and a byte order mark \uFEFF',
  'Zürich, Αθήνα, Київ, القاهرة, 東京, नई दिल्ली',
  'emoji 👩‍👩‍👧‍👦 🏳️‍🌈, combining e\u0301, beyond the BMP 𝔘𝔫𝔦',
  'half a surrogate pair \ud83d',
  { '': 'an empty name', 'ключ 🔑': { 'line\nbreak': 1 } },
  [[[[[[[[[['ten levels']]]]]]]]]],
];

/** Texts, since only `JSON.parse` makes own members of these names. */
export const pollutingTexts: readonly string[] = [
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"a":{"__proto__":{"polluted":true},"toString":1,"hasOwnProperty":null}}',
  '["__proto__",{"__proto__":null}]',
];

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Letters that hardly compress. */
export function randomText(random: () => number, length: number): string {
  let text = '';
  while (text.length < length) text += Math.floor(random() * 2 ** 40).toString(36);
  return text.slice(0, length);
}

/** Any JSON value, small ones more often. */
export function randomValue(random: () => number, depth: number = 3): unknown {
  const kind = Math.floor(random() * (depth > 0 ? 8 : 6));
  if (kind === 0) return null;
  if (kind === 1) return random() < 0.5;
  if (kind === 2) return Math.floor(random() * 2_000) - 1_000;
  if (kind === 3) return random() * 10 ** Math.floor(random() * 30);
  if (kind <= 5) return randomString(random);
  const values = Array.from({ length: Math.floor(random() * 4) }, () => randomValue(random, depth - 1));
  return kind === 6 ? values : Object.fromEntries(values.map((value) => [randomString(random), value]));
}

function randomString(random: () => number): string {
  const top = [0x7f, 0x7ff, 0xffff, 0x10ffff][Math.floor(random() * 4)] ?? 0x7f;
  return Array.from({ length: Math.floor(random() * 12) }, () => {
    const point = Math.floor(random() * top);
    // Half a pair is no text; how it is written is each serializer's own affair.
    return point >= 0xd800 && point <= 0xdfff ? '\ufffd' : String.fromCodePoint(point);
  }).join('');
}

export function numberedValues(count: number, from: number = 0): { n: number }[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }));
}
