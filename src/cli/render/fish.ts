// SPDX-License-Identifier: Apache-2.0
import { COMMON_OPTIONS, namesOf, type Flag, type Valued, type Verb, type Words } from '../verb.js';
import { LISTING, wordsOf } from './shell.js';

/** A script for fish that completes the command line of mvas. */
export function completeFish(verbs: readonly Verb[]): string {
  return [
    '# fish completion of mvas',
    'complete -c mvas -f',
    ...verbs.flatMap((verb) =>
      namesOf(verb).map(
        (name) => `complete -c mvas -n __fish_use_subcommand -a ${name} -d ${quote(verb.summary)}`,
      ),
    ),
    ...optionLines(COMMON_OPTIONS, ''),
    ...verbs.flatMap(verbLines),
    '',
  ].join('\n');
}

function verbLines(verb: Verb): string[] {
  const condition = ` -n ${quote(`__fish_seen_subcommand_from ${namesOf(verb).join(' ')}`)}`;
  const words = verb.arguments
    ? [`complete -c mvas${condition}${source(verb.arguments.words)}`]
    : [];
  return [...optionLines(verb.options, condition), ...words];
}

function optionLines(options: Verb['options'], condition: string): string[] {
  return Object.entries(options).map(([name, option]) => {
    const short = option.short === undefined ? '' : ` -s ${option.short}`;
    return `complete -c mvas${condition}${short} -l ${name} -d ${quote(option.help)}${valueSource(option)}`;
  });
}

function valueSource(option: Flag | Valued): string {
  if (option.type === 'boolean') return '';
  const words = wordsOf(option);
  return `${words === 'file' ? ' -r' : ' -x'}${source(words)}`;
}

function source(words: Words | undefined): string {
  if (words === undefined) return '';
  if (words === 'file') return ' -F';
  if (words === 'directory') return " -a '(__fish_complete_directories)'";
  if (typeof words === 'string') return ` -a ${quote(`(sh -c ${quote(LISTING[words])})`)}`;
  return ` -a ${quote(words.join(' '))}`;
}

/** Quotes text as one word of fish. */
function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
