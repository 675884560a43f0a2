/** @throws RangeError - naming the option, the rule and the value. */
export function requireWholeNumber(option: string, value: number, minimum: number): void {
  if (Number.isSafeInteger(value) && value >= minimum) return;
  throw new RangeError(`${option} must be a whole number >= ${minimum}, got ${String(value)}`);
}
