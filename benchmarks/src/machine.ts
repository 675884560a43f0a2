// What the figures were measured on, in words that anyone may read.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGibibytes: number;
  readonly system: string;
  readonly node: string;
  readonly fileSystem: string;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() || 'unknown',
    processors: processors.length,
    memoryGibibytes: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release().split('-')[0]}`,
    node: process.version,
    fileSystem: fileSystemOf(process.env['RELAY_BENCH_DIRECTORY'] ?? tmpdir()),
  };
}

function fileSystemOf(directory: string): string {
  if (process.platform !== 'linux') return 'unknown';
  const [source = '', name = 'unknown'] =
    execFileSync('df', ['--output=source,fstype', directory], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .slice(-1)[0]
      ?.split(/\s+/u) ?? [];
  const device = source.split('/').at(-1) ?? '';
  return `${name}${device.startsWith('vd') ? ' on a virtual disk' : rotates(device)}`;
}

function rotates(device: string): string {
  try {
    const block = device.replace(/p?\d+$/u, '');
    return readFileSync(`/sys/block/${block}/queue/rotational`, 'utf8').trim() === '0'
      ? ' on an SSD'
      : ' on a hard disk';
  } catch {
    return '';
  }
}
