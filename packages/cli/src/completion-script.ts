export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

export interface CompletionTree {
  readonly commands: readonly CompletedCommand[];
}

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  /** What its argument may be. */
  readonly words: readonly string[];
  readonly options: readonly CompletedOption[];
}

interface CompletedOption {
  readonly flags: readonly string[];
  readonly description: string;
  readonly choices: readonly string[];
  readonly takesValue: boolean;
  readonly takesPath: boolean;
}

/** A script for one shell. Descriptions are quoted: they are texts of ours, and may hold anything. */
export function completionScript(shell: Shell, tree: CompletionTree): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](tree);
}

function bashScript({ commands }: CompletionTree): string {
  const cases = commands.map(({ name, options, words }) => {
    const flags = options.flatMap((option) => option.flags);
    return `    ${name}) words=${quote([...flags, '--help', ...words].join(' '))} ;;`;
  });
  const values = commands.flatMap(({ name, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ flags, choices, takesPath }) => {
        const patterns = flags.map((flag) => `${name}:${flag}`).join('|');
        const reply = takesPath
          ? 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))'
          : `COMPREPLY=($(compgen -W ${quote(choices.join(' '))} -- "$cur"))`;
        return `    ${patterns}) ${reply}; return ;;`;
      }),
  );
  return `# bash completion of relay
_relay() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} words=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W ${quote([...commands.map(({ name }) => name), 'help', '--help', '--version'].join(' '))} -- "$cur"))
    return
  fi
  case $command:$prev in
${values.join('\n')}
    help:*) words=${quote(commands.map(({ name }) => name).join(' '))} ;;
  esac
  case $command in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _relay relay`;
}

function zshScript({ commands }: CompletionTree): string {
  const described = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, options, words }) => {
    const specs = options.map((option) => `        ${quote(zshSpec(option))}`);
    if (words.length > 0) specs.push(`        ${quote(`1:argument:(${words.join(' ')})`)}`);
    return `      ${name})\n        _arguments \\\n${[...specs, "        '--help[print this help]'"].join(' \\\n')}\n        ;;`;
  });
  return `#compdef relay
_relay() {
  local -a commands
  commands=(
${described.join('\n')}
    'help:print the help of a command'
  )
  local curcontext=$curcontext state line
  _arguments -C '1:command:->command' '*::option:->options'
  case $state in
    command) _describe command commands ;;
    options)
      case $words[1] in
${cases.map((text) => text.replaceAll(/^ {6}/gmu, '        ')).join('\n')}
        help) _describe command commands ;;
      esac
      ;;
  esac
}
_relay "$@"`;
}

function zshSpec({ flags, description, choices, takesValue, takesPath }: CompletedOption): string {
  const [flag = ''] = flags;
  const text = description.replaceAll(/[[\]:]/gu, (mark) => `\\${mark}`);
  const value = takesPath ? ':path:_files' : choices.length > 0 ? `:value:(${choices.join(' ')})` : ':value: ';
  return `${flag}[${text}]${takesValue ? value : ''}`;
}

function fishScript({ commands }: CompletionTree): string {
  const lines = ['# fish completion of relay', 'complete -c relay -f'];
  for (const { name, summary, words, options } of commands) {
    lines.push(`complete -c relay -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`);
    const within = `complete -c relay -n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
    if (words.length > 0) lines.push(`${within} -a ${quote(words.join(' '))}`);
    for (const { flags, description, choices, takesValue, takesPath } of options) {
      const names = flags
        .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
        .join(' ');
      const value = takesPath
        ? ' -r -F'
        : choices.length > 0
          ? ` -x -a ${quote(choices.join(' '))}`
          : takesValue
            ? ' -x'
            : '';
      lines.push(`${within} ${names}${value} -d ${quote(description)}`);
    }
  }
  lines.push("complete -c relay -n __fish_use_subcommand -a help -d 'print the help of a command'");
  const names = commands.map(({ name }) => name).join(' ');
  lines.push(`complete -c relay -n '__fish_seen_subcommand_from help' -a ${quote(names)}`);
  return lines.join('\n');
}

/** For all three shells: fish alone gives a backslash a meaning between these quotes, and none of our texts has one. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
