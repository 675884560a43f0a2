// Goal: the suites take an implementation of anybody's as it is, in TypeScript, as the README shows it.
// Method: classes with methods of their own, which the harness calls without a cast; type checking is the test.
import { describe, it } from 'vitest';
import { describeEventPersisting, describeSegmentStore } from '../../src/conformance/index.ts';
import { InMemoryDiskWriter, InMemorySegmentStore } from '../../src/index.ts';

class MyWriter extends InMemoryDiskWriter<unknown> {
  everythingStored(): unknown[] {
    return this.events();
  }

  removeFiles(): void {}
}

class MyStore extends InMemorySegmentStore {
  async put(content: Uint8Array): Promise<string> {
    return (await this.addSegment({ content })).id;
  }
}

describeEventPersisting(
  'MyWriter',
  {
    create: () => new MyWriter(),
    readBack: (writer) => writer.everythingStored(),
    dispose: (writer) => writer.removeFiles(),
  },
  { describe, it },
);

describeSegmentStore(
  'MyStore',
  {
    create: () => new MyStore(),
    addSegment: (store, content) => store.put(content),
  },
  { describe, it },
);
