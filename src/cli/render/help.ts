// SPDX-License-Identifier: Apache-2.0
import {
  COMMON_OPTIONS,
  EXIT_CODES,
  JSON_OPTION,
  type Flag,
  type Valued,
  type Verb,
} from '../verb.js';

const WIDTH = 100;
/** The greatest width of the left column of a list; wider text gets a line of its own. */
const LEFT = 22;

/** What the command is for. */
export const ABOUT = `Manages VASes: address spaces of checkpointed containers, parked in the memory of this host.
  Checkpoints and restores containers of runc.`;

/** The help of the command as a whole. */
export function formatHelp(verbs: readonly Verb[]): string {
  const commands = verbs.map(({ name, summary }) => [name, summary] as const);
  const options = optionRows({ json: JSON_OPTION, ...COMMON_OPTIONS });
  return sections([
    'Usage: mvas COMMAND [OPTIONS]',
    wrap(paragraphsOf(ABOUT)[0] ?? ''),
    `Commands:\n${list(commands)}`,
    `Options:\n${list(options)}`,
    "Run 'mvas COMMAND --help' for details of a command.",
    exitCodesOf(EXIT_CODES),
  ]);
}

/** The help of a verb. */
export function formatVerbHelp(verb: Verb): string {
  const { name, aliases = [], description, examples } = verb;
  return sections([
    usagesOf(verb)
      .map((usage, index) => `${index === 0 ? 'Usage:' : '      '} mvas ${name} ${usage}`.trimEnd())
      .join('\n'),
    ...paragraphsOf(description).map((paragraph) => wrap(paragraph)),
    ...(aliases.length === 0
      ? []
      : [`Also: ${aliases.map((alias) => `mvas ${alias}`).join(', ')}`]),
    `Options:\n${list(optionRows({ ...verb.options, help: COMMON_OPTIONS.help }))}`,
    `Examples:\n${examples.map(([line, what]) => `  ${line}\n      ${what}`).join('\n')}`,
    exitCodesOf(verb.exitCodes ?? EXIT_CODES),
  ]);
}

/** How a verb is called: what follows its name. */
export function usagesOf({ usage, options, arguments: wanted }: Verb): readonly string[] {
  const some = Object.keys(options).length === 0 ? '' : '[OPTIONS] ';
  return usage ?? [`${some}${wanted?.synopsis ?? ''}`.trimEnd()];
}

/** The paragraphs of a text, each on one line. */
export function paragraphsOf(text: string): string[] {
  return text.split(/\n\s*\n/).map((paragraph) => paragraph.replace(/\s+/g, ' ').trim());
}

/** What help says about an option, including its default. */
export function helpOf(option: Flag | Valued): string {
  const preset = option.type === 'string' ? option.default : undefined;
  return preset === undefined ? option.help : `${option.help} (default: ${preset})`;
}

function optionRows(options: Verb['options']): (readonly [string, string])[] {
  return Object.entries(options).flatMap(([name, option]) => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `;
    const value = option.type === 'string' ? ` ${option.value}` : '';
    const choices = option.type === 'string' ? Object.entries(option.choices ?? {}) : [];
    return [
      [`${short}--${name}${value}`, helpOf(option)] as const,
      ...choices.map(([choice, help]) => [`        ${choice}`, help] as const),
    ];
  });
}

function list(rows: readonly (readonly [left: string, right: string])[]): string {
  const fitting = rows.map(([left]) => left.length).filter((length) => length <= LEFT);
  const width = Math.max(0, ...fitting);
  const indent = ' '.repeat(width + 4);
  return rows
    .map(([left, right]) => {
      const text = wrap(right, WIDTH - indent.length).replaceAll('\n', `\n${indent}`);
      const gap = left.length > width ? `\n${indent}` : ' '.repeat(width - left.length + 2);
      return `  ${left}${gap}${text}`;
    })
    .join('\n');
}

function exitCodesOf(codes: NonNullable<Verb['exitCodes']>): string {
  return `Exit codes: ${codes.map((code) => code.join(' ')).join(', ')}.`;
}

function sections(parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`;
}

function wrap(text: string, width = WIDTH): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join('\n');
}
