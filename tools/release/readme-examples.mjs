// The quick start of each README, run as a user would: in a project that has the package alone, and what it names beside it.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseSync, transformWithOxc } from 'vite';
import { scope } from '../workspace.mjs';

const run = promisify(execFile);

/**
 * What a quick start leaves to its reader: `beside`, packages that it names; `before` and `after`, code around it that gives
 * what it takes and asserts what it says.
 */
const stages = {
  buffer: { beside: ['disk-writer'], after: 'assert.equal(unpersistedEventCount, 0);' },
  'disk-writer': { after: 'assert.equal(receipt.eventCount, 2); assert.deepEqual(receipt.rejected, []);' },
  'export-queue': { after: "await assert.rejects(queue.drain(), { code: 'RELAY_CLOSED' });" },
  'metrics-otel': { beside: ['relay', '@opentelemetry/api'], after: 'end(); await relay.close();' },
  'metrics-prometheus': {
    beside: ['relay', 'prom-client'],
    before: 'let page; const response = { end: (text) => { page = text; } };',
    after: 'assert.match(page, /relay/u); unregister(); await relay.close();',
  },
  relay: { after: 'assert.equal(result.status, "added"); assert.equal(relay.counts().delivery.delivered.events, 1);' },
  retry: {
    beside: ['testing'],
    before: `import { ManualClock } from '${scope}testing';
      let calls = 0; const handle = { syncData: async () => { calls += 1; } };
      const clock = new ManualClock(); const signal = new AbortController().signal;`,
    after: 'assert.equal(calls, 1);',
  },
  rotation: {
    beside: ['disk-writer'],
    after: 'const { eventCount } = await writer.write([{ n: 1 }]); assert.equal(eventCount, 1); await writer.close();',
  },
  segments: { beside: ['serializers', 'disk-writer'], fill: true, expected: /signed-in/u },
  'serializer-encrypted': { beside: ['serializers', 'disk-writer'] },
  'serializer-gzip': { beside: ['serializers', 'disk-writer'] },
  'serializer-zstd': { beside: ['serializers', 'disk-writer', '@bokuweb/zstd-wasm'] },
  serializers: { expected: /^opened\nclosed\n0\n$/u },
  testing: { beside: ['buffer'], after: 'assert.deepEqual(persistence.events(), [{ n: 1 }]);' },
  types: {
    before: 'const myQueue = { publish: async () => ({ ok: true }) };',
    after: `const answer = await uploader.upload({ idempotencyKey: 'a', stream() {} }, {});
      assert.equal(answer.status, 'accepted');`,
  },
  'uploader-nats': {
    beside: ['serializers'],
    before: "const password = 'none';",
    after: 'await queue.close(); await store.close();',
  },
  'uploader-s3': { after: 'await queue.close(); await store.close();' },
};

/** Names of packages to install beside `name`. */
export function besides(name) {
  const { beside = [] } = stages[name.slice(scope.length)] ?? {};
  return beside.map((other) => (/[@-]client$|^@/u.test(other) ? other : `${scope}${other}`));
}

/**
 * @param project - Where `name` is installed.
 * @param entries - Specifiers of its public entries.
 * @returns What went wrong with each way, of `esm` and `require`; empty where all went well.
 */
export async function tryReadme(project, name, entries) {
  const problems = { esm: [], require: [] };
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  });
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const collector = `http://127.0.0.1:${receiver.address().port}/events`;
  const attempt = async (way, file, script, expected) => {
    const folder = join(project, `try-${way}-${file.replace(/\W/gu, '-')}`);
    const found = await tryScript(folder, file, script, expected);
    problems[way].push(...found.map((problem) => `${name}: ${file} (${way}) ${problem}`));
  };
  try {
    const list = JSON.stringify(entries);
    const isGiven = `if (Object.keys(found).length === 0) throw new Error(entry + ' exports nothing');`;
    await attempt(
      'esm',
      'entries.mjs',
      `for (const entry of ${list}) { const found = await import(entry); ${isGiven} }`,
    );
    const isSame = `require('node:assert').deepEqual(Object.keys(found).sort(), Object.keys(await import(entry)).sort());`;
    await attempt(
      'require',
      'entries.cjs',
      `for (const entry of ${list}) { const found = require(entry); ${isGiven} ${isSame} }`,
    );
    const readme = readFileSync(join(project, 'node_modules', name, 'README.md'), 'utf8');
    const stage = stages[name.slice(scope.length)];
    const block = quickStartOf(readme);
    if (name === `${scope}cli`) {
      const cli = (load) => `${load}
        const relay = (args, input) => execFileSync(process.execPath, [${JSON.stringify(join(project, 'node_modules', name, 'bin/relay.js'))}, ...args], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
        relay(['record', '--dir', 'spool'], '{"name":"opened"}\\n'); process.stdout.write(relay(['cat', '--dir', 'spool']));`;
      await attempt('esm', 'example.mjs', cli("import { execFileSync } from 'node:child_process';"), /"opened"/u);
      await attempt(
        'require',
        'example.cjs',
        cli("const { execFileSync } = require('node:child_process');"),
        /"opened"/u,
      );
    } else if (block === undefined || stage === undefined) {
      problems.esm.push(
        `${name}: its README has no quick start, or tools/release/readme-examples.mjs does not know it`,
      );
    } else {
      const code = block
        .replaceAll('https://collector.example.com/events', collector)
        .replaceAll(/n[12]\.example\.com/gu, '127.0.0.1');
      const fill = stage.fill
        ? `{ const filled = new FileDiskWriter({ directory: 'spool' }); await filled.write([{ name: 'signed-in' }]); await filled.close(); }`
        : '';
      const imports = `import assert from 'node:assert/strict';\n${stage.fill ? `import { FileDiskWriter } from '${scope}disk-writer';\n` : ''}`;
      const whole = `${imports}${stage.before ?? ''}\n${fill}\n${code}\n${stage.after ?? ''}\n`;
      const { code: script } = await transformWithOxc(whole, 'example.ts', { sourcemap: false });
      await attempt('esm', 'example.mjs', script, stage.expected);
      await attempt('require', 'example.cjs', withRequire(script), stage.expected);
    }
  } finally {
    receiver.closeAllConnections();
    receiver.close();
  }
  return problems;
}

/** The first block of TypeScript, where it stands before the second heading: one that stands later is another example. */
export function quickStartOf(readme) {
  const [before, first = ''] = readme.split(/^## /mu);
  return /^```ts\n(.*?)^```$/msu.exec(`${before}${first}`)?.[1];
}

/** Says that a script came to its end: a promise that nothing settles ends a process, too, and with exit code 0 in CommonJS. */
const endMark = '\n(the end was reached)\n';

/**
 * @param folder - Where it runs; made where it is missing.
 * @param file - `.mjs`, or `.cjs` for a script that awaits and requires.
 * @param expected - What it must print.
 * @returns What went wrong.
 */
export async function tryScript(folder, file, script, expected = /^/u) {
  const whole = `${script}\nprocess.stdout.write(${JSON.stringify(endMark)});\n`;
  mkdirSync(folder, { recursive: true });
  // What awaits at the top level of a module has to go into a function.
  writeFileSync(join(folder, file), file.endsWith('.cjs') ? `(async () => {\n${whole}})();\n` : whole);
  try {
    const env = { ...process.env, NODE_OPTIONS: '', NODE_PATH: '', NO_COLOR: '1' };
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: folder, env, timeout: 60_000 });
    const problems = [];
    if (!stdout.endsWith(endMark)) problems.push('ended before its last line: something it awaits never settles');
    const printed = stdout.replace(endMark, '');
    if (!expected.test(printed)) problems.push(`printed ${JSON.stringify(printed)}`);
    if (stderr !== '') problems.push(`warns: ${stderr}`);
    return problems;
  } catch (error) {
    return [`failed: ${error.message}\n${error.stderr}`];
  }
}

/** The same with `require` for each `import`. */
export function withRequire(script) {
  let text = script;
  for (const { start, end, moduleRequest, entries } of parseSync(
    'example.mjs',
    script,
  ).module.staticImports.toReversed()) {
    const from = `require(${JSON.stringify(moduleRequest.value)})`;
    const names = entries.map(({ importName, localName }) =>
      importName.kind === 'Name' ? `${importName.name}: ${localName.value}` : localName.value,
    );
    const isNamed = entries.every(({ importName }) => importName.kind === 'Name');
    text = `${text.slice(0, start)}const ${isNamed ? `{ ${names.join(', ')} }` : names[0]} = ${from};${text.slice(end)}`;
  }
  return text.replaceAll(/^export \{\};?$/gmu, '');
}
