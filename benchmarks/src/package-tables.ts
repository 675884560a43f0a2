import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const measured = /<!-- measured by (?<command>.*?) -->\n(?<block>[\s\S]*?)<!-- end of what was measured -->/gu;

/** Tables that other scripts measure and write into the READMEs of packages, so that all figures stand in one place. */
export function packageTables(root: string): readonly string[] {
  const parts: string[] = [];
  for (const folder of readdirSync(join(root, 'packages')).sort()) {
    const readme = join(root, 'packages', folder, 'README.md');
    if (!existsSync(readme)) continue;
    for (const { groups } of readFileSync(readme, 'utf8').matchAll(measured)) {
      const { command = '', block = '' } = groups ?? {};
      parts.push(`## ${folder}: by \`${command}\``, block.trim());
    }
  }
  return parts;
}
