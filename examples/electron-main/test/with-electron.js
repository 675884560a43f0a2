// `node --import ./with-electron.js main.js`: an import of `electron` finds the module beside this one.
import { register } from 'node:module';

const standIn = new URL('electron.js', import.meta.url).href;
const hooks = `export const resolve = (specifier, context, next) =>
  specifier === 'electron' ? { url: ${JSON.stringify(standIn)}, shortCircuit: true } : next(specifier, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
