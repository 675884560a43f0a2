// Stores that acknowledge events once the disk has them, each in the way its documentation says is durable.
import { join } from 'node:path';
import { retainTotalBytes } from '@relaykit/rotation';
import { readLines } from './disk.ts';
import type { PageView } from './events.ts';
import { RawFile } from './raw-file.ts';
import { closeRelay, makeRelay, segmentsIn } from './relay.ts';

export interface SyncedStore {
  /** Resolves once all of them are durable. */
  store(events: readonly PageView[]): Promise<unknown>;
  /** Closes, and counts what is on disk. */
  close(): Promise<number>;
}

type Opener = (directory: string) => SyncedStore | Promise<SyncedStore>;

function raw(store: (file: RawFile) => Promise<void>): Opener {
  return (directory) => {
    const path = join(directory, 'raw.ndjson');
    const file = new RawFile(path);
    return {
      store(events) {
        for (const event of events) file.add(event);
        return store(file);
      },
      async close() {
        file.close();
        return readLines([path]).lines;
      },
    };
  };
}

const relay: Opener = (directory) => {
  // Nobody exports what is written here, and all of it is counted in the end.
  const pipeline = makeRelay(directory, { retention: retainTotalBytes(Number.MAX_SAFE_INTEGER) });
  return {
    store(events) {
      for (const event of events) {
        if (pipeline.add(event).status !== 'added') throw new Error('the buffer is full');
      }
      return pipeline.flush({ durability: 'synced' });
    },
    async close() {
      await closeRelay(pipeline);
      return readLines(segmentsIn(directory)).lines;
    },
  };
};

async function openSqlite(directory: string) {
  const { default: Database } = await import('better-sqlite3');
  const database = new Database(join(directory, 'events.sqlite'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE events (id INTEGER PRIMARY KEY, body TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO events (body) VALUES (?)');
  const insertAll = database.transaction((events: readonly PageView[]) => {
    for (const event of events) insert.run(JSON.stringify(event));
  });
  const count = database.prepare('SELECT count(*) FROM events').pluck();
  const close = async (): Promise<number> => {
    const found = count.get() as number;
    database.close();
    return found;
  };
  return { insertAll, close };
}

const betterSqlite3: Opener = async (directory) => {
  const { insertAll, close } = await openSqlite(directory);
  return { store: async (events) => insertAll(events), close };
};

/** What a careful user writes: events that come in one turn share a transaction. */
const betterSqlite3Coalesced: Opener = async (directory) => {
  const { insertAll, close } = await openSqlite(directory);
  let waiting: PageView[] = [];
  let turn: Promise<void> | undefined;
  return {
    store(events) {
      waiting.push(...events);
      turn ??= new Promise((resolve) =>
        setImmediate(() => {
          const taken = waiting;
          waiting = [];
          turn = undefined;
          insertAll(taken);
          resolve();
        }),
      );
      return turn;
    },
    close,
  };
};

const lmdb: Opener = async (directory) => {
  const { open } = await import('lmdb');
  const database = open<string, number>({ path: join(directory, 'lmdb'), encoding: 'string' });
  let sequence = 0;
  return {
    async store(events) {
      let last: Promise<unknown> = Promise.resolve();
      for (const event of events) {
        last = database.put(sequence, JSON.stringify(event));
        sequence += 1;
      }
      await last;
      // Committed is visible to other processes; flushed survives a power cut.
      await database.flushed;
    },
    async close() {
      const found = database.getCount();
      await database.close();
      return found;
    },
  };
};

const classicLevel: Opener = async (directory) => {
  const { ClassicLevel } = await import('classic-level');
  const database = new ClassicLevel<string, string>(join(directory, 'level'));
  await database.open();
  let sequence = 0;
  const keyOfNext = (): string => {
    sequence += 1;
    return sequence.toString(36).padStart(8, '0');
  };
  return {
    store(events) {
      const operations = events.map((event) => ({
        type: 'put' as const,
        key: keyOfNext(),
        value: JSON.stringify(event),
      }));
      return database.batch(operations, { sync: true });
    },
    async close() {
      const found = (await database.keys().all()).length;
      await database.close();
      return found;
    },
  };
};

export const stores: Readonly<Record<string, Opener>> = {
  raw: raw(async (file) => {
    file.writeSync();
    await file.sync();
  }),
  rawAsynchronous: raw(async (file) => {
    await file.write();
    await file.sync();
  }),
  rawGroup: raw((file) => file.groupSync()),
  relay,
  betterSqlite3,
  betterSqlite3Coalesced,
  lmdb,
  classicLevel,
};
