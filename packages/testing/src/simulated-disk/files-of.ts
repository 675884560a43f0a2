import { viewContent } from './content.ts';
import { type DiskState, ROOT_NUMBER } from './disk-state.ts';

/** Content by absolute path, in the order of the paths. */
export type FilesByPath = ReadonlyMap<string, Uint8Array>;

export function filesOf(state: DiskState): FilesByPath {
  const found: [string, Uint8Array][] = [];
  const visit = (number: number, path: string): void => {
    for (const [name, child] of state.directory(number).entries.numbers) {
      const node = state.node(child);
      if (node?.kind === 'directory') visit(child, `${path}/${name}`);
      else if (node?.kind === 'file') found.push([`${path}/${name}`, viewContent(node.content)]);
    }
  };
  visit(ROOT_NUMBER, '');
  return new Map(found.sort(([first], [second]) => (first < second ? -1 : 1)));
}
