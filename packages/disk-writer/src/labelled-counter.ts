import type { MetricPoint } from '@relaykit/types';

/** A counter with one number for each value of its label. */
export class LabelledCounter {
  readonly #label: string;
  readonly #values = new Map<string, number>();

  constructor(label: string) {
    this.#label = label;
  }

  /** @param amount - Negative where what was added before is going to be counted elsewhere. */
  add(labelValue: string, amount: number): void {
    if (amount !== 0) this.#values.set(labelValue, (this.#values.get(labelValue) ?? 0) + amount);
  }

  addAll(amounts: Readonly<Record<string, number>>): void {
    for (const [labelValue, amount] of Object.entries(amounts)) this.add(labelValue, amount);
  }

  /** A counter that can be added to without changing this one. */
  copy(): LabelledCounter {
    const copy = new LabelledCounter(this.#label);
    copy.addAll(Object.fromEntries(this.#values));
    return copy;
  }

  points(): MetricPoint[] {
    return [...this.#values].map(([labelValue, value]) => ({ labels: { [this.#label]: labelValue }, value }));
  }
}
