import { MultiBar, type SingleBar } from 'cli-progress';

/** Shows how far two stages of known length have come. */
export interface Progress {
  /** @param done - In the unit of the stage's total. */
  update(stage: Stage, done: number, total: number): void;
  stop(): void;
}

export type Stage = 'recorded' | 'delivered';

/** How many lines a stage prints where there is no terminal. */
const plainSteps = 4;

/** Bars on a terminal, a line every quarter otherwise. */
export function createProgress(output: NodeJS.WriteStream, units: Record<Stage, string>): Progress {
  return output.isTTY ? new BarProgress(output, units) : new PlainProgress(output, units);
}

class BarProgress implements Progress {
  readonly #bars: MultiBar;
  readonly #units: Record<Stage, string>;
  readonly #stages = new Map<Stage, SingleBar>();

  constructor(output: NodeJS.WriteStream, units: Record<Stage, string>) {
    this.#units = units;
    this.#bars = new MultiBar({
      stream: output,
      format: '{stage} {bar} {percentage}%  {value}/{total} {unit}',
      formatValue: (value, _options, type) =>
        type === 'percentage' ? String(value).padStart(3) : value.toLocaleString('en-US'),
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 30,
      hideCursor: true,
      autopadding: true,
      gracefulExit: false,
    });
  }

  update(stage: Stage, done: number, total: number): void {
    let bar = this.#stages.get(stage);
    if (!bar) {
      bar = this.#bars.create(total, 0, { stage: stage.padEnd(9), unit: this.#units[stage] });
      this.#stages.set(stage, bar);
    }
    bar.setTotal(total);
    bar.update(done);
  }

  stop(): void {
    this.#bars.stop();
  }
}

class PlainProgress implements Progress {
  readonly #output: NodeJS.WriteStream;
  readonly #units: Record<Stage, string>;
  readonly #printedSteps = new Map<Stage, number>();

  constructor(output: NodeJS.WriteStream, units: Record<Stage, string>) {
    this.#output = output;
    this.#units = units;
  }

  update(stage: Stage, done: number, total: number): void {
    const step = total === 0 ? 0 : Math.floor((plainSteps * done) / total);
    if (step <= (this.#printedSteps.get(stage) ?? 0)) return;
    this.#printedSteps.set(stage, step);
    const [doneText, totalText] = [done, total].map((value) => value.toLocaleString('en-US'));
    this.#output.write(`${stage.padEnd(9)} ${doneText} of ${totalText} ${this.#units[stage]}\n`);
  }

  stop(): void {}
}
