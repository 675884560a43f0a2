import { isRelayError, type LogFacts, type Logger } from '@relaykit/types';

/** A logger that may be missing and may throw; neither stops the buffer. */
export class GuardedLogger {
  readonly #logger: Logger | undefined;

  constructor(logger: Logger | undefined) {
    this.#logger = logger;
  }

  warn(message: string, facts: LogFacts): void {
    this.#guard((logger) => logger.warn(message, facts));
  }

  error(message: string, facts: LogFacts): void {
    this.#guard((logger) => logger.error(message, facts));
  }

  #guard(log: (logger: Logger) => void): void {
    if (this.#logger === undefined) return;
    try {
      log(this.#logger);
    } catch {
      // There is nowhere left to report to.
    }
  }
}

/** Facts about an error that may be logged: our own messages never hold an event, those of others might. */
export function errorFacts(error: unknown): LogFacts {
  if (isRelayError(error)) return { code: error.code, message: error.message };
  if (!(error instanceof Error)) return { error: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { error: error.name, code };
}
