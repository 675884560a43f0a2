import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { JSONEventSerializer, type RawJSONLine, RawJSONLineSerializer } from '@relaykit/relay';
import type { EventSerializer } from '@relaykit/types';
import { linesOf } from './lines.ts';

/** Events to record, each with the line of JSON that has to arrive. */
export interface Source<TEvent> {
  readonly description: string;
  readonly serializer: EventSerializer<TEvent>;
  /** What `done` and `total` count. */
  readonly unit: 'events' | 'bytes';
  readonly total: number;
  /** Reads on only as fast as events are taken. */
  read(): AsyncIterable<SourceEvent<TEvent>>;
}

export interface SourceEvent<TEvent> {
  readonly event: TEvent;
  readonly line: string | Uint8Array;
  /** Position among the lines of a file, from 1, blank ones counted. */
  readonly lineNumber?: number;
  /** How much of the source this event and all before it take, in its unit. */
  readonly done: number;
}

/** The flights and earthquakes of the npm package vega-datasets. */
export async function vegaSource(): Promise<Source<unknown>> {
  const folder = new URL('../data/', import.meta.resolve('vega-datasets'));
  const load = async (name: string): Promise<unknown> => JSON.parse(await readFile(new URL(name, folder), 'utf8'));
  const flights = (await load('flights-20k.json')) as readonly unknown[];
  const earthquakes = ((await load('earthquakes.json')) as { readonly features: readonly unknown[] }).features;
  const events = [...flights, ...earthquakes];
  const [flightCount, earthquakeCount] = [flights, earthquakes].map((list) => list.length.toLocaleString('en-US'));
  return {
    description: `${flightCount} flights and ${earthquakeCount} earthquakes of vega-datasets`,
    serializer: new JSONEventSerializer(),
    unit: 'events',
    total: events.length,
    async *read() {
      for (const [index, event] of events.entries()) yield { event, line: JSON.stringify(event), done: index + 1 };
    },
  };
}

/**
 * A file of JSON Lines, streamed. Blank lines are left out, and a UTF-8 byte order mark in front of the first; a CR in
 * front of the line end belongs to it.
 */
export async function fileSource(path: string): Promise<Source<RawJSONLine>> {
  const { size } = await stat(path);
  return {
    description: path,
    serializer: new RawJSONLineSerializer(),
    unit: 'bytes',
    total: size,
    async *read() {
      let done = 0;
      let lineNumber = 0;
      for await (const whole of linesOf(createReadStream(path))) {
        done = Math.min(size, done + whole.length + 1);
        lineNumber += 1;
        const unmarked = lineNumber === 1 && isMarked(whole) ? whole.subarray(byteOrderMark.length) : whole;
        const line = unmarked.at(-1) === 0x0d ? unmarked.subarray(0, -1) : unmarked;
        if (!isBlank(line)) yield { event: line, line, lineNumber, done };
      }
    },
  };
}

const byteOrderMark = [0xef, 0xbb, 0xbf];

function isMarked(line: Uint8Array): boolean {
  return byteOrderMark.every((byte, index) => line[index] === byte);
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09);
}
