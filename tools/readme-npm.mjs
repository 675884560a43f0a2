// Stands for npm and npx while the shell blocks of a page run. Installs nothing and starts nothing: what is named has to
// be there. The scripts themselves are what continuous integration runs.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, readWorkspace, root } from './workspace.mjs';

const [program, ...words] = process.argv.slice(2);
const names = words.filter((word) => !word.startsWith('-'));

if (program === 'npx') checkProgram(names);
else if (words[0] === '--prefix') checkNpm(join(root, words[1]), names.slice(1));
else checkNpm(root, names);

function checkNpm(directory, [command, ...rest]) {
  if (command === 'ci') require(join(directory, 'package-lock.json'));
  else if (command === 'install') for (const name of rest) checkPackage(name);
  else checkScript(directory, command === 'run' ? rest[0] : command);
}

function checkPackage(name) {
  if (readWorkspace().some((item) => item.name === name)) return;
  // Hundreds of megabytes that no test needs: blocks run with a double of it.
  if (name !== 'electron') require(join(root, 'node_modules', name, 'package.json'));
}

function checkScript(directory, name) {
  const { scripts = {} } = readJson(join(directory, 'package.json'));
  if (scripts[name] === undefined) fail(`${directory}/package.json has no script ${name}`);
}

function checkProgram([name, ...rest]) {
  require(join(root, 'node_modules', '.bin', name));
  for (const word of rest) if (word.includes('/') && /\.[a-z]+$/u.test(word)) require(join(root, word));
}

function require(path) {
  if (!existsSync(path)) fail(`there is no ${path}`);
}

function fail(problem) {
  console.error(`${program} ${words.join(' ')}: ${problem}`);
  process.exit(1);
}
