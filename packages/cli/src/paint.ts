import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Puts text into colours where somebody sees them. */
export type Paint = (style: Style, text: string) => string;

/** Colours where `hasColours`. */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  return hasColours(stream, env)
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
}

/**
 * On a terminal, unless `NO_COLOR` is there or it is a dumb one; anywhere with `FORCE_COLOR`. Empty variables are not there,
 * see https://no-color.org.
 */
export function hasColours({ isTTY }: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0';
  return isTTY === true && env['TERM'] !== 'dumb';
}
