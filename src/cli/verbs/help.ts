// SPDX-License-Identifier: Apache-2.0
import { verbNamed } from '../parse.js';
import { formatHelp, formatVerbHelp } from '../render/help.js';
import { defineVerb, EXIT, type Verb } from '../verb.js';

/** Prints help. @param commands the names that have help */
export const help = (commands: readonly string[]): Verb =>
  defineVerb({
    name: 'help',
    summary: 'print help, or the help of a command',
    description: `Prints the same help as 'mvas --help' or 'mvas COMMAND --help'.`,
    options: {},
    arguments: {
      synopsis: '[COMMAND]',
      min: 0,
      max: 1,
      wrong: 'takes one command',
      words: commands,
    },
    examples: [['mvas help restore', 'how to restore a container']],
    run({ words: [word] }, context, verbs) {
      const text =
        word === undefined || word === 'help'
          ? formatHelp(verbs)
          : formatVerbHelp(verbNamed(word, verbs));
      context.writeOut(text);
      return EXIT.ok;
    },
  });
