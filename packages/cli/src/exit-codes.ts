/** How the command ends. A number keeps its meaning; new ones are added. */
export const exitCodes = {
  /** Everything asked for was done. */
  done: 0,
  /** Something failed; standard error says what and what to do. */
  failed: 1,
  /** The command line is not right; nothing was done. */
  usage: 2,
  /** `record`: lines were refused; standard error names the first hundred. All others are stored. */
  linesRefused: 3,
  /** `export`: segments remain that could not be delivered now; run it again later. */
  remaining: 4,
  /** `export`: the receiver's answer says that address or credentials are wrong; nothing was removed. */
  blocked: 5,
  /** `export`: segments were refused for good by the receiver, or are damaged; they are in the spool's quarantine. */
  quarantined: 6,
  /** `verify`, `cat`: bytes are damaged or missing. `doctor`: something here keeps the spool from working. */
  unsound: 7,
  /** `verify`, `cat`, `repair`, `rekey`, `bundle`: something could not be read or done now: no key, in use, a format of others. */
  unfinished: 8,
} as const;

/** One of `exitCodes`. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The same for `--help`. */
export const exitCodesHelp = `Exit codes:
  0  done
  1  something failed; standard error says what
  2  wrong use of the command; nothing was done
  3  record: lines were refused, the others are stored
  4  export: segments remain, run it again later
  5  export: blocked by the receiver's answer (address or credentials), or by a
     full quarantine
  6  export: segments were refused for good, or are damaged; they are in
     quarantine
  7  verify, cat: damage was found; doctor: something is wrong
  8  verify, cat, repair, quarantine, rekey, bundle: something was left out
     (no key, in use, not readable); nothing is wrong with the rest
A process that a signal asked to end ends by that signal, with everything in
order.`;
