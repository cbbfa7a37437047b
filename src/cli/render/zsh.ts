// SPDX-License-Identifier: Apache-2.0
import { COMMON_OPTIONS, namesOf, type Flag, type Valued, type Verb, type Words } from '../verb.js';
import { LISTING, quote, wordsOf } from './shell.js';

/** A script for zsh that completes the command line of mvas. */
export function completeZsh(verbs: readonly Verb[]): string {
  const described = verbs.flatMap((verb) =>
    namesOf(verb).map((name) => `    ${quote(`${name}:${verb.summary.replaceAll(':', '\\:')}`)}`),
  );
  return `#compdef mvas
_mvas() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands
  commands=(
${described.join('\n')}
  )
  _arguments -C ${optionSpecs(COMMON_OPTIONS).join(' ')} '1: :->command' '*:: :->rest'
  case $state in
    command)
      _describe command commands
      ;;
    rest)
      case $words[1] in
${verbs.map(verbCase).join('\n')}
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _mvas ]; then
  _mvas "$@"
else
  compdef _mvas mvas
fi
`;
}

function verbCase(verb: Verb): string {
  const specs = optionSpecs({ ...verb.options, help: COMMON_OPTIONS.help });
  const words = verb.arguments
    ? [quote(`*:${verb.arguments.synopsis}:${action(verb.arguments.words)}`)]
    : [];
  const all = [...specs, ...words].map((spec) => ` \\\n            ${spec}`).join('');
  return `        ${namesOf(verb).join('|')})\n          _arguments${all}\n          ;;`;
}

function optionSpecs(options: Verb['options']): string[] {
  return Object.entries(options).flatMap(([name, option]) => {
    const forms = [`--${name}`, ...(option.short === undefined ? [] : [`-${option.short}`])];
    return forms.map((form) => quote(`${form}[${escape(option.help)}]${valueSpec(option)}`));
  });
}

function valueSpec(option: Flag | Valued): string {
  return option.type === 'string' ? `:${option.value}:${action(wordsOf(option))}` : '';
}

function action(words: Words | undefined): string {
  if (words === undefined) return ' ';
  if (words === 'file') return '_files';
  if (words === 'directory') return '_files -/';
  if (typeof words === 'string') return `{compadd -- \${(f)"$(${LISTING[words]})"}}`;
  return `(${words.join(' ')})`;
}

function escape(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&');
}
