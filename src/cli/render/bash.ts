// SPDX-License-Identifier: Apache-2.0
import { COMMON_OPTIONS, namesOf, type Flag, type Valued, type Verb, type Words } from '../verb.js';
import { LISTING, quote, wordsOf } from './shell.js';

/** A script for bash that completes the command line of mvas. */
export function completeBash(verbs: readonly Verb[]): string {
  const names = verbs.flatMap(namesOf);
  return `# bash completion of mvas
_mvas() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" verb='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    [[ $word == -* ]] && continue
    verb="$word"
    break
  done
  COMPREPLY=()
  case "$verb" in
    '')
      mapfile -t COMPREPLY < <(compgen -W ${quote([...names, ...optionsOf(undefined)].join(' '))} -- "$current")
      ;;
${verbs.map(verbCase).join('\n')}
  esac
}
complete -F _mvas mvas
`;
}

function verbCase(verb: Verb): string {
  const values = Object.entries(verb.options).flatMap(([name, option]) => {
    if (option.type !== 'string') return [];
    const forms = [`--${name}`, ...(option.short === undefined ? [] : [`-${option.short}`])];
    return [
      `        ${forms.join('|')})\n          ${reply(wordsOf(option))}\n          return\n          ;;`,
    ];
  });
  const ofBefore =
    values.length === 0 ? '' : `      case "$before" in\n${values.join('\n')}\n      esac\n`;
  const words = verb.arguments === undefined ? ':' : reply(verb.arguments.words);
  return `    ${namesOf(verb).join('|')})
${ofBefore}      if [[ $current == -* ]]; then
        ${reply(optionsOf(verb))}
      else
        ${words}
      fi
      ;;`;
}

function optionsOf(verb: Verb | undefined): string[] {
  const options = Object.entries<Flag | Valued>({ ...verb?.options, ...COMMON_OPTIONS });
  return options.flatMap(([name, { short }]) => [
    `--${name}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ]);
}

function reply(words: Words | undefined): string {
  const from = (what: string): string => `mapfile -t COMPREPLY < <(compgen ${what} -- "$current")`;
  if (words === undefined) return ':';
  if (words === 'file') return from('-f');
  if (words === 'directory') return from('-d');
  if (typeof words === 'string') return from(`-W "$(${LISTING[words]})"`);
  return from(`-W ${quote(words.join(' '))}`);
}
