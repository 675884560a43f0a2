/**
 * Why an event that the buffer had taken, or was about to take, is gone.
 *
 * - `overflow`: the buffer was full, and its policy chose this event to go.
 * - `unserializable`: the format cannot represent the event.
 * - `tooLarge`: the event is larger than the persistence allows.
 * - `unpersisted`: the persistence failed until the buffer was closed.
 */
export type DropReason = 'overflow' | 'unserializable' | 'tooLarge' | 'unpersisted';

/** Why an event was not taken. It stays the caller's. */
export type RefusalReason = 'full' | 'closed';

/**
 * What became of one event.
 *
 * - `added`: the buffer has it, and owes it to the persistence.
 * - `dropped`: it is gone, counted in `counts().dropped` and announced. `cause` says more where there is more to say.
 * - `refused`: it was not taken, and is counted in `counts().refused`; offer it again or let it go.
 */
export type AddResult =
  | { readonly status: 'added' }
  | { readonly status: 'dropped'; readonly reason: DropReason; readonly cause?: unknown }
  | { readonly status: 'refused'; readonly reason: RefusalReason };

// Shared, so that the common answers cost no allocation.
export const added: AddResult = Object.freeze({ status: 'added' });
export const droppedByOverflow: AddResult = Object.freeze({ status: 'dropped', reason: 'overflow' });
export const refusedFull: AddResult = Object.freeze({ status: 'refused', reason: 'full' });
export const refusedClosed: AddResult = Object.freeze({ status: 'refused', reason: 'closed' });
