// The API reference: one module for each entry of each package, under the name that is imported.
// Whatever TypeDoc warns of fails the run: broken links, parameters that are not there, types that are used and not
// exported, exports that say nothing of themselves.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Converter, ReflectionKind } from 'typedoc';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The source file of each entry, and what it is imported as. */
const entries = new Map();
for (const folder of readdirSync(join(root, 'packages'))) {
  const manifestPath = join(root, 'packages', folder, 'package.json');
  if (!existsSync(manifestPath)) continue;
  const { name, exports } = JSON.parse(readFileSync(manifestPath, 'utf8'));
  for (const [path, conditions] of Object.entries(exports)) {
    const source = conditions['@relaykit/source']?.default;
    if (source) entries.set(join(dirname(manifestPath), source), `${name}${path.slice(1)}`);
  }
}

/** TypeDoc calls modules after their files: `buffer/src/node`. */
const importedAs = new Map(
  [...entries].map(([source, name]) => [
    relative(join(root, 'packages'), source).replace(/(?:\/index)?\.ts$/u, ''),
    name,
  ]),
);

function nameModulesAsImported(app) {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_context, reflection) => {
    if (reflection.kind === ReflectionKind.Module) reflection.name = importedAs.get(reflection.name) ?? reflection.name;
  });
}

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'Relaykit',
  entryPoints: [...entries.keys()],
  tsconfig: join(root, 'tools/api/tsconfig.json'),
  out: join(root, 'tools/api/dist'),
  readme: 'none',
  plugin: [nameModulesAsImported],
  // TypeScript 7 has checked the sources; TypeDoc brings TypeScript 6, which infers a few types less.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  validation: { notDocumented: true },
  packagesRequiringDocumentation: [...new Set([...entries.values()].map((name) => name.split('/', 2).join('/')))],
  requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Variable'],
  excludeExternals: true,
  githubPages: false,
  disableSources: true,
};
