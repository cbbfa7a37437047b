// SPDX-License-Identifier: Apache-2.0
import { COMMON_OPTIONS, EXIT_CODES, JSON_OPTION, type Options, type Verb } from '../verb.js';
import { ABOUT, helpOf, paragraphsOf, usagesOf } from './help.js';

/** The manual page mvas(1), in the language of man(7). */
export function formatMan(verbs: readonly Verb[], version: string): string {
  const lines = [
    `.TH MVAS 1 "" "mvas-shim ${escape(version)}"`,
    '.SH NAME',
    'mvas \\- checkpoints and restores containers in memory',
    '.SH SYNOPSIS',
    '.B mvas',
    '.I COMMAND',
    '.RI [ OPTIONS ]',
    '.SH DESCRIPTION',
    ...paragraphs(ABOUT),
    '.SH OPTIONS',
    ...optionLines({ json: JSON_OPTION, ...COMMON_OPTIONS }),
    '.SH COMMANDS',
    ...verbs.flatMap(verbLines),
    '.SH "EXIT STATUS"',
    ...codeLines(EXIT_CODES),
    '.SH ENVIRONMENT',
    ...tagged('MVAS_ROOT', 'where VASes live (default: /run/mvas)'),
    ...tagged(
      'MVAS_BACKEND',
      'what takes the memory at a checkpoint: holder, kernel or kernel-exec',
    ),
    ...tagged('MVAS_VAS_MEMORY_LIMIT', 'limit of the memory of each new VAS, in bytes'),
    ...tagged('DEBUG', 'mvas:* logs to standard error what is done'),
    '.SH "SEE ALSO"',
    '.BR runc (8),',
    '.BR containerd (8),',
    '.BR ctr (8)',
  ];
  return `${lines.join('\n')}\n`;
}

function verbLines(verb: Verb): string[] {
  const { name, aliases = [], description, exitCodes, examples } = verb;
  return [
    `.SS ${escape(name)}`,
    ...usagesOf(verb).flatMap((usage) => [`.B mvas ${escape(name)}`, line(usage), '.br']),
    ...paragraphs(description),
    ...(aliases.length === 0
      ? []
      : ['.PP', `Also: ${aliases.map((alias) => `mvas ${escape(alias)}`).join(', ')}`]),
    ...optionLines(verb.options),
    ...(exitCodes ? ['.PP', 'Exit status:', ...codeLines(exitCodes)] : []),
    ...examples.flatMap(([example, what]) => [
      '.PP',
      `Example: ${escape(what)}:`,
      '.EX',
      line(example),
      '.EE',
    ]),
  ];
}

function optionLines(options: Options): string[] {
  return Object.entries(options).flatMap(([name, option]) => {
    const forms = option.short === undefined ? [`--${name}`] : [`-${option.short}`, `--${name}`];
    const value = option.type === 'string' ? ` \\fI${escape(option.value)}\\fR` : '';
    const choices = option.type === 'string' ? Object.entries(option.choices ?? {}) : [];
    const help = [helpOf(option), ...choices.map(([choice, what]) => `${choice}: ${what}`)].join(
      '; ',
    );
    const head = `${forms.map((form) => `\\fB${escape(form)}\\fR`).join(', ')}${value}`;
    return ['.TP', head, line(help)];
  });
}

function codeLines(codes: NonNullable<Verb['exitCodes']>): string[] {
  return codes.flatMap(([code, meaning]) => tagged(code, meaning));
}

function tagged(tag: string, text: string): string[] {
  return ['.TP', `.B ${escape(tag)}`, line(text)];
}

function paragraphs(text: string): string[] {
  return paragraphsOf(text).flatMap((paragraph) => ['.PP', line(paragraph)]);
}

/** Escapes a line of text: a dot or a quote at its beginning would be a request. */
function line(text: string): string {
  return /^[.']/.test(text) ? `\\&${escape(text)}` : escape(text);
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq');
}
