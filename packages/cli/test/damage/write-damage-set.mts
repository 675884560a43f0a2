// Writes the golden damage set into a folder, to be looked at by hand:
//   node --conditions=@relaykit/source --import tsx test/damage/write-damage-set.mts FOLDER
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { damages } from './damages.ts';
import { buildSoundSpool, type FormatName, formats } from './sound-spool.ts';

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('give the folder to write to');
for (const format of Object.keys(formats) as FormatName[]) {
  for (const damage of damages.filter((item) => item.formats?.includes(format) ?? true)) {
    const folder = join(target, `${damage.name} (${format})`.replaceAll(/[^a-z0-9.()]+/giu, '-'));
    await mkdir(folder, { recursive: true });
    await damage.apply(await buildSoundSpool(folder, format));
    console.log(folder);
  }
}
