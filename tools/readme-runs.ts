// What a page takes for granted before its first block, and what has to be true after a block of it: code in the
// language of the block, which runs behind it in the same program. A block without a line here has to run and to end.
export interface PageRun {
  /** Shell, in the directory of the page. */
  readonly before?: string;
  /** By the number of the block in its page, from 1. */
  readonly after?: Readonly<Record<number, string>>;
}

/** Two sealed segments of three events. */
const twoSegments = 'my-program | relay record --dir spool; my-program | relay record --dir spool';

/** Delivery has a time limit where a program ends: what was not delivered, and recorded as such, within it has to wait. */
function keepsAll(events: number): string {
  return `assert.ok((await received()).flatMap(({ lines }) => lines).length + (await waiting()).length >= ${events});`;
}

/** What the uploader of the block is asked to send, and that it says so. */
const sendsOneSegment = `
const { InMemorySegmentStore } = await import('@relaykit/testing');
const { DiskExportQueue } = await import('@relaykit/export-queue');
const store = new InMemorySegmentStore();
const { id } = await store.addSegment();
assert.equal((await new DiskExportQueue({ store, uploader }).drain()).delivered, 1);
assert.deepEqual(given, [id]);`;

export const pageRuns: Readonly<Record<string, PageRun>> = {
  'README.md': {
    after: {
      3: "assert.deepEqual((await waiting()).map((event) => (event as { name: string }).name), ['signed-in']);",
      4: 'test -z "$(relay ls --dir spool --json)"',
    },
  },
  // As in the folder of the example, whose own tests are run by `npm run examples`.
  'examples/cli-telemetry/README.md': {
    before: 'cp -r ../../../examples/cli-telemetry/src ../../../examples/cli-telemetry/package.json .',
  },
  'docs/METRICS.md': { after: { 1: 'assert.ok(metrics.snapshot().metrics.length > 10); await relay.close();' } },
  'docs/guides/desktop-app.md': {
    after: {
      2: `await app.whenReady();
recordUsage('opened');
const quit = new Promise((resolve) => app.once('quit', resolve));
app.quit();
await quit;
assert.equal((await waiting('userData/usage-events')).length, 1);
await decideConsent(true);
await usage?.close({ drain: true });
assert.ok((await received()).length + (await waiting('userData/usage-events')).length >= 1);`,
    },
  },
  'docs/guides/audit-service.md': {
    after: {
      2: `if (!server.listening) await new Promise<void>((resolve) => server.once('listening', () => resolve()));
const { port } = server.address() as import('node:net').AddressInfo;
const answers = await Promise.all(['a', 'b'].map((path) => fetch(\`http://127.0.0.1:\${port}/\${path}\`)));
assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
assert.equal((await waiting('audit-spool')).length, 2);
server.closeAllConnections();
server.close();
await audit.close();
const full = await fetch(\`http://127.0.0.1:\${port}/\`).catch(() => 'refused');
assert.equal(full, 'refused');`,
      3: `if (!collector.listening) await new Promise<void>((resolve) => collector.once('listening', () => resolve()));
const { port } = collector.address() as import('node:net').AddressInfo;
const { createRelay } = await import('@relaykit/relay');
const sender = createRelay({ directory: 'sent', url: \`http://127.0.0.1:\${port}/\` });
sender.add({ n: 1 });
assert.equal((await sender.drain()).delivered, 1);
assert.equal(seen.size, 1);
await sender.close();
collector.closeAllConnections();
collector.close();`,
    },
  },
  'docs/guides/cli-telemetry.md': {
    after: {
      3: 'assert.equal((await received()).flatMap(({ lines }) => lines).length, 1); assert.equal(remaining, 0);',
    },
  },
  'docs/guides/sidecar.md': {
    after: {
      2: 'test "$(relay cat --dir spool | wc -l)" = 3',
      3: 'test -z "$(relay ls --dir spool --json)"',
      5: 'import glob; assert len(glob.glob("audit/2*.ndjson")) == 1, "the segment is not sealed"',
      6: 'test "$(relay cat --dir audit | jq -r .payment | tail -1)" = 2',
    },
  },
  'packages/relay/README.md': {
    after: {
      2: keepsAll(1),
      3: "relay.add({ n: 1 }); process.on('exit', () => assert.equal(relay.counts().added, 1));",
      4: 'assert.equal(relay.counts().added, 0); await relay.close();',
    },
  },
  'packages/buffer/README.md': {
    after: {
      2: "assert.equal(unpersistedEventCount, 0); assert.deepEqual(await waiting(), [{ type: 'page_view', path: '/' }]);",
      3: "assert.equal(buffer.add({ n: 1 }).status, 'added'); await buffer.close();",
    },
  },
  'packages/cli/README.md': {
    after: {
      // What comes later needs directories that a home has, and segments that are encrypted with the key.
      2: 'test -z "$(relay ls --dir spool --json)" && mkdir -p zsh .config/fish/completions .local/share/bash-completion/completions',
      4: 'test -n "$(find relay.key -perm 600)"; my-program | relay record --dir spool --key-file relay.key',
      6: 'test "$(relay cat --dir spool --key-file new.key | wc -l)" = 3; test "$(relay ls --dir spool --json | jq -r .keyId)" = 2026-12',
      7: 'tar tzf spool.tar.gz | grep -q ledger',
      8: 'bash -n .local/share/bash-completion/completions/relay',
    },
  },
  'packages/disk-writer/README.md': {
    after: {
      2: `assert.equal(receipt.eventCount, 2);
assert.deepEqual(await waiting(), [{ name: 'signed-in' }, { name: 'opened' }, { name: 'paid' }]);`,
      3: "buffer.add({ n: 1 }); await buffer.close(); assert.deepEqual(await waiting('relay-spool'), [{ n: 1 }]);",
      4: 'assert.ok(metrics.snapshot().metrics.length > 10); await writer.close();',
    },
  },
  'packages/export-queue/README.md': { before: twoSegments, after: { 2: keepsAll(6), 3: sendsOneSegment } },
  'packages/metrics-otel/README.md': {
    after: { 2: "assert.equal(relay.add({ n: 1 }).status, 'added'); end(); await relay.close();" },
  },
  'packages/metrics-prometheus/README.md': {
    after: {
      2: 'assert.match(await register.metrics(), /relaykit_events_written_total/u); unregister(); await relay.close();',
    },
  },
  'packages/retry/README.md': { after: { 2: "assert.deepEqual(given, ['synced']);" } },
  'packages/rotation/README.md': {
    after: {
      2: 'assert.equal((await writer.write([{ n: 1 }])).eventCount, 1); await writer.close();',
      3: `const segment = { id: 'x', sizeBytes: 1, eventCount: 1 };
const anHourIntoTheDay = { epochMs: 30 * 86_400_000 + 3_600_000, monotonicMs: 0 };
assert.equal(atMidnight.shouldRotate({ ...segment, ageMs: 3_600_001 }, anHourIntoTheDay), 'midnight');
assert.equal(atMidnight.shouldRotate({ ...segment, ageMs: 3_599_999 }, anHourIntoTheDay), undefined);`,
    },
  },
  'packages/segments/README.md': {
    before: twoSegments,
    after: {
      3: `const { accountForSpool } = await import('@relaykit/segments');
assert.equal(given.length, 4);
assert.equal((await accountForSpool(store.spool)).delivered, 6);`,
      4: 'assert.deepEqual(await store.quarantine.list(), []); await store.close();',
    },
  },
  'packages/serializer-encrypted/README.md': {
    after: {
      2: "assert.deepEqual(await waiting('events', [serializer]), [{ type: 'opened' }, { type: 'closed' }]);",
      3: "assert.equal((await serializer.encode([{ n: 1 }], { spoolId: 's', segmentId: 's', frameIndex: 0 })).eventCount, 1);",
    },
  },
  'packages/serializer-gzip/README.md': { after: { 2: 'assert.equal((await waiting()).length, 2);' } },
  'packages/serializer-zstd/README.md': { after: { 2: 'assert.equal((await waiting()).length, 2);' } },
  'packages/testing/README.md': {
    after: {
      2: `assert.deepEqual(persistence.events(), [{ n: 1 }]);
assert.deepEqual(persistence.calls.map(({ status }) => status), ['failed', 'failed', 'succeeded']);`,
    },
  },
  'packages/types/README.md': {
    after: { 2: sendsOneSegment, 3: 'await writer.close(); assert.equal((await waiting()).length, 2);' },
  },
  'packages/uploader-nats/README.md': {
    before: twoSegments,
    after: {
      2: `for (let seen = 0; seen < 2; seen = queue.counts().delivered) {
  assert.notEqual((await queue.drain()).endedBy, 'blocked');
  await new Promise((resolve) => setTimeout(resolve, 100));
}
await queue.close();
await store.close();`,
    },
  },
  'packages/uploader-s3/README.md': {
    before: twoSegments,
    after: {
      2: `await queue.drain(); await queue.close(); await store.close();
assert.equal((await received()).length, 2);
for (const { path } of await received()) assert.match(path, /^\\/my-events\\/raw\\/date=[-\\d]+\\/\\w+-\\d+-\\w+\\.ndjson$/u);`,
    },
  },
};
