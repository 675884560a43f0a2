#!/usr/bin/env node
import { existsSync } from 'node:fs';

const entry = new URL('../dist/bin.js', import.meta.url);
if (existsSync(entry)) {
  await import(entry.href);
} else {
  console.error('relay is not built in this checkout; run `npm run build` first.');
  process.exitCode = 1;
}
