import type { LogFacts, Logger } from '@relaykit/types';

/** A logger whose failures stay its own: what it throws must not cost a write. */
export function safeLogger(logger: Logger): Logger {
  const guard = (level: keyof Logger) => (message: string, facts?: LogFacts) => {
    try {
      logger[level](message, facts);
    } catch {
      // There is nobody left to tell.
    }
  };
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') };
}
