import { crc32, portableCrc32 } from '@relaykit/serializers/framed';
import fc from 'fast-check';
import { expect, it } from 'vitest';

it('is the CRC-32 of the check value that everybody quotes', () => {
  const bytes = new TextEncoder().encode('123456789');
  expect([crc32(bytes), portableCrc32(bytes)]).toEqual([0xcbf43926, 0xcbf43926]);
});

it('is the same in plain JavaScript, whole or piece by piece', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
      const expected = crc32(bytes);
      expect(portableCrc32(bytes)).toBe(expected);
      expect(portableCrc32(bytes.subarray(at), portableCrc32(bytes.subarray(0, at)))).toBe(expected);
    }),
  );
});
