import { describeCause } from '@relaykit/export-queue/uploader-kit';
import type { Clock, Logger } from '@relaykit/types';
import type { OpenLink } from './nats-link.ts';
import { MIN_DUPLICATE_WINDOW_MS } from './nats-uploader-options.ts';
import { withinTime } from './within-time.ts';

export interface DuplicateWindowCheckOptions {
  /** One that never throws. */
  readonly logger: Logger | undefined;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * Says once a stream, through the logger, that it forgets message ids too early: a process that was killed between
 * acknowledgement and receipt sends again when it is started again, be it days later.
 */
export class DuplicateWindowCheck {
  readonly #options: DuplicateWindowCheckOptions;
  readonly #seen = new Set<string>();

  constructor(options: DuplicateWindowCheckOptions) {
    this.#options = options;
  }

  /** Never rejects: what is stored is stored. */
  async check(link: OpenLink, stream: string, signal: AbortSignal): Promise<void> {
    const { logger, clock, timeoutMs } = this.#options;
    if (logger === undefined || this.#seen.has(stream)) return;
    this.#seen.add(stream);
    try {
      const info = link.manager().then((manager) => manager.streams.info(stream));
      const { config } = await withinTime(info, { clock, timeoutMs, signal });
      // Nanoseconds.
      const windowMs = config.duplicate_window / 1e6;
      if (windowMs >= MIN_DUPLICATE_WINDOW_MS) return;
      logger.warn('The stream forgets message ids early: what is sent again later is stored twice', {
        stream,
        duplicateWindowMs: windowMs,
        minDuplicateWindowMs: MIN_DUPLICATE_WINDOW_MS,
      });
    } catch (cause) {
      if (signal.aborted) {
        this.#seen.delete(stream);
        return;
      }
      logger.warn('The duplicate window of the stream cannot be checked', { stream, cause: describeCause(cause) });
    }
  }
}
