// Delivers a spool to a server. Told to, it kills itself once the stream has acknowledged a segment and before the queue
// can write that down: `export-until-killed.ts DIRECTORY SERVERS MODE KILL_AFTER`, with 0 for never.
import { DiskExportQueue } from '@relaykit/export-queue';
import { openSegmentStore } from '@relaykit/segments';
import { RawJSONLineSerializer } from '@relaykit/serializers';
import type { SegmentUploader } from '@relaykit/types';
import { NatsUploader, type NatsUploaderOptions } from '@relaykit/uploader-nats';

const [directory = '', servers = '', mode = '', killAfter = '0'] = process.argv.slice(2);
const serializers = [new RawJSONLineSerializer()];
const store = await openSegmentStore({ directory, serializers: serializers as never });
const nats = new NatsUploader({
  mode,
  subject: 'events.{writerId}',
  connection: { servers: servers.split(',') },
  ...(mode === 'event' ? { serializers } : {}),
} as NatsUploaderOptions<never>);
let uploads = 0;
const uploader: SegmentUploader = {
  async upload(segment, options) {
    const result = await nats.upload(segment, options);
    if (result.status === 'accepted') {
      uploads += 1;
      console.log(`acknowledged ${segment.info.id}`);
      if (uploads === Number(killAfter)) {
        process.kill(process.pid, 'SIGKILL');
        // The signal is on its way; nothing may happen before it arrives.
        for (;;);
      }
    }
    return result;
  },
  close: () => nats.close(),
};
const queue = new DiskExportQueue({ store, uploader });
const report = await queue.drain();
console.log(`drained ${report.delivered}`);
await queue.close();
await store.close();
