import type { FrameToAppend, SegmentMark } from '@relaykit/segments';
import type { FrameBuilder, FrameContext } from '@relaykit/types';
import type { PendingCommit } from './pending-commit.ts';

/** Where a group's frames will stand. */
export interface GroupPlace {
  readonly spoolId: string;
  readonly segmentId: string;
  readonly start: SegmentMark;
}

/** The frames of each batch of a group. */
export type GroupFrames = readonly (readonly FrameToAppend[])[];

/** Finishes the frames one after another, so that the event loop gets its turn where a format takes its time. */
export async function encodeGroup<TEvent>(
  group: readonly PendingCommit<TEvent>[],
  place: GroupPlace,
): Promise<GroupFrames> {
  const frames: FrameToAppend[][] = [];
  for (const { builders, contexts } of placed(group, place)) {
    const ofBatch: FrameToAppend[] = [];
    for (const [index, builder] of builders.entries()) {
      const frame = builder.finish(contexts(index));
      ofBatch.push(frame instanceof Promise ? await frame : frame);
    }
    frames.push(ofBatch);
  }
  return frames;
}

/** The same before it returns. */
export function encodeGroupSync<TEvent>(group: readonly PendingCommit<TEvent>[], place: GroupPlace): GroupFrames {
  const frames: FrameToAppend[][] = [];
  for (const { builders, contexts } of placed(group, place)) {
    frames.push(
      builders.map((builder, index) => {
        if (!builder.finishSync) throw new TypeError('serializer must have encodeSync to store events at exit');
        return builder.finishSync(contexts(index));
      }),
    );
  }
  return frames;
}

function* placed<TEvent>(
  group: readonly PendingCommit<TEvent>[],
  { spoolId, segmentId, start }: GroupPlace,
): Generator<{ builders: readonly FrameBuilder<TEvent>[]; contexts: (index: number) => FrameContext }> {
  let firstIndex = start.frameCount;
  for (const { batch } of group) {
    const builders = batch.builders.filter(({ eventCount }) => eventCount > 0);
    const base = firstIndex;
    yield { builders, contexts: (index) => ({ spoolId, segmentId, frameIndex: base + index }) };
    firstIndex += builders.length;
  }
}
