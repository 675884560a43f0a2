/** Throws `RangeError` unless `value` is a whole number of at least `minimum`. */
export function checkWholeNumber(option: string, value: number, minimum: number): number {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new RangeError(`${option} must be a whole number >= ${minimum}, got ${String(value)}`);
  }
  return value;
}

/** Throws `TypeError` unless `value` has each of `methods`. */
export function checkMethods<T extends object>(option: string, value: T, methods: readonly (keyof T & string)[]): T {
  const missing = methods.find((method) => typeof value?.[method] !== 'function');
  if (missing !== undefined) throw new TypeError(`${option} must have a method ${missing}(), got ${typeof value}`);
  return value;
}
