// What a power cut leaves of the names: which of the unsynced creations, removals and renames reached the disk.
import type { Choices } from './choices.ts';
import { slotKey } from './disk-state.ts';
import type { NameChange } from './nodes.ts';

/**
 * The name changes that a power cut keeps. Changes of different names arrive independently and in any order; changes of
 * one name in their order, each only after those before it. A rename is one change of two names, whole or not at all,
 * also between directories. So a file that was never removed keeps exactly one name, the old or the new.
 */
export function drawNameChanges(changes: readonly NameChange[], choices: Choices): readonly NameChange[] {
  if (changes.length === 0) return changes;
  if (!choices.isExhaustive) {
    // All, none, and the first few in order, as a journal would keep them; without this, long lists never yield them.
    const kind = choices.choose(6);
    if (kind === 0) return changes;
    if (kind === 1) return [];
    if (kind === 2) return changes.slice(0, choices.choose(changes.length + 1));
  }
  const lost = new Set<string>();
  return changes.filter((change) => {
    const mayArrive = !change.slots.some((slot) => lost.has(slotKey(slot)));
    if (mayArrive && choices.choose(2) === 1) return true;
    for (const slot of change.slots) lost.add(slotKey(slot));
    return false;
  });
}
