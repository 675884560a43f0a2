/** Facts beside a log message: numbers, names and codes; never an event, a key or a credential. */
export type LogFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** Takes what the pipeline has to say. `console` fits. */
export interface Logger {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
}
