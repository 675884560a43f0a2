import { type Choices, EveryChoice } from './choices.ts';
import { drawContent } from './crash-data.ts';
import { drawNameChanges } from './crash-names.ts';
import { DiskState, ROOT_NUMBER, setName } from './disk-state.ts';
import type { FileNode, NameTable, Node } from './nodes.ts';

/** The disk as it may be found after a power cut. Names are decided first, then the files that still have one. */
export function drawCrash(state: DiskState, choices: Choices, sectorBytes: number): DiskState {
  const tables = drawTables(state, choices);
  const nodes = new Array<Node | undefined>(state.nodes.length).fill(undefined);
  const keep = (number: number): void => {
    const node = state.node(number);
    if (node === undefined || nodes[number] !== undefined) return;
    if (node.kind === 'directory') {
      const numbers = tables.get(number) ?? node.durable.numbers;
      const table: NameTable = { numbers, owner: undefined };
      nodes[number] = { ...node, linkCount: 2, entries: table, durable: table };
      for (const child of numbers.values()) keep(child);
    } else {
      nodes[number] = node.kind === 'file' ? crashedFile(node, choices, sectorBytes) : linked(node);
    }
  };
  keep(ROOT_NUMBER);
  return DiskState.settled(nodes);
}

/** How many outcomes a power cut may have, up to `limit`. Different choices may lead to the same disk. */
export function countCrashOutcomes(state: DiskState, sectorBytes: number, limit: number): number {
  const choices = new EveryChoice();
  let count = 0;
  do {
    drawCrash(state, choices, sectorBytes);
    count += 1;
  } while (count < limit && choices.advance());
  return count;
}

/** What is surely on the disk: every unsynced change is lost. */
export function durableOnly(state: DiskState, sectorBytes: number): DiskState {
  // The first path of every choice loses: no name change, the durable size, no sector.
  return drawCrash(state, new EveryChoice(), sectorBytes);
}

/** Tables of the directories whose names were undecided. */
function drawTables(state: DiskState, choices: Choices): ReadonlyMap<number, Map<string, number>> {
  const tables = new Map<number, Map<string, number>>();
  for (const change of drawNameChanges(state.nameChanges, choices)) {
    for (const { directory, name, number } of change.slots) {
      let numbers = tables.get(directory);
      if (numbers === undefined) {
        numbers = new Map(state.directory(directory).durable.numbers);
        tables.set(directory, numbers);
      }
      setName(numbers, name, number);
    }
  }
  return tables;
}

function crashedFile(node: FileNode, choices: Choices, sectorBytes: number): FileNode {
  // Then the record says already what a restart finds, and can be shared.
  if (node.unsynced === undefined && node.content === node.durable && node.linkCount === 1) return node;
  const content = drawContent(node, choices, sectorBytes);
  return { ...node, linkCount: 1, content, durable: content, unsynced: undefined, hasDropped: false };
}

function linked(node: Node): Node {
  return node.linkCount === 1 ? node : { ...node, linkCount: 1 };
}
