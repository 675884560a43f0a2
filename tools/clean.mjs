// Removes what builds leave behind; `npm run build` makes it anew.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readWorkspace, root } from './workspace.mjs';

for (const { directory } of readWorkspace()) rmSync(join(directory, 'dist'), { recursive: true, force: true });
for (const name of ['.cache', '.nx', 'tools/api/dist']) rmSync(join(root, name), { recursive: true, force: true });
