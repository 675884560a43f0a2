/** Events of each batch that a test process writes. */
export const BATCH_EVENTS = 7;
