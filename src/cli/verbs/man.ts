// SPDX-License-Identifier: Apache-2.0
import { formatMan } from '../render/man.js';
import { defineVerb, EXIT } from '../verb.js';

/** Prints the manual page. */
export const man = defineVerb({
  name: 'man',
  summary: 'print the manual page of mvas',
  description: 'Prints the manual page mvas(1) as input for man(1).',
  options: {},
  examples: [
    ['mvas man | man -l -', 'shows it'],
    ['mvas man >/usr/local/share/man/man1/mvas.1', "installs it, for 'man mvas'"],
  ],
  run(_input, context, verbs) {
    context.writeOut(formatMan(verbs, context.version));
    return EXIT.ok;
  },
});
