// SPDX-License-Identifier: Apache-2.0
import { completeBash } from '../render/bash.js';
import { completeFish } from '../render/fish.js';
import { completeZsh } from '../render/zsh.js';
import { UsageError } from '../usage.js';
import { defineVerb, EXIT, type Verb } from '../verb.js';

const SHELLS: ReadonlyMap<string, (verbs: readonly Verb[]) => string> = new Map([
  ['bash', completeBash],
  ['zsh', completeZsh],
  ['fish', completeFish],
]);

const WRONG = `takes one of ${[...SHELLS.keys()].join(', ')}`;

/** Prints a script that lets a shell complete the command line of mvas. */
export const completion = defineVerb({
  name: 'completion',
  summary: 'print a completion script for a shell',
  description: `Prints a script that makes a shell complete commands, options, ids of VASes and names of containers.
    SHELL is bash, zsh or fish.`,
  options: {},
  arguments: { synopsis: 'SHELL', min: 1, max: 1, wrong: WRONG, words: [...SHELLS.keys()] },
  examples: [
    ['source <(mvas completion bash)', 'enables completion in this shell'],
    ['mvas completion bash >/etc/bash_completion.d/mvas', 'enables completion in every bash'],
    ['mvas completion zsh >/usr/local/share/zsh/site-functions/_mvas', 'enables completion in zsh'],
    ['mvas completion fish >/etc/fish/completions/mvas.fish', 'enables completion in fish'],
  ],
  run({ words: [shell = ''] }, context, verbs) {
    const complete = SHELLS.get(shell);
    if (complete === undefined) throw new UsageError(`'completion' ${WRONG}`);
    context.writeOut(complete(verbs));
    return EXIT.ok;
  },
});
