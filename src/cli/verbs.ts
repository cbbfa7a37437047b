// SPDX-License-Identifier: Apache-2.0
import { namesOf, type Verb } from './verb.js';
import { attachSegment } from './verbs/attach-segment.js';
import { check } from './verbs/check.js';
import { checkpoint } from './verbs/checkpoint.js';
import { completion } from './verbs/completion.js';
import { create } from './verbs/create.js';
import { diff } from './verbs/diff.js';
import { expire } from './verbs/expire.js';
import { fork } from './verbs/fork.js';
import { help } from './verbs/help.js';
import { inspect } from './verbs/inspect.js';
import { install, uninstall } from './verbs/install.js';
import { ls } from './verbs/ls.js';
import { man } from './verbs/man.js';
import { prune } from './verbs/prune.js';
import { restore } from './verbs/restore.js';
import { rm } from './verbs/rm.js';
import { rollback } from './verbs/rollback.js';
import { serve } from './verbs/serve.js';
import { snapshot } from './verbs/snapshot.js';
import { tree } from './verbs/tree.js';

const COMMANDS: readonly Verb[] = [
  ls,
  inspect,
  rm,
  snapshot,
  fork,
  rollback,
  tree,
  diff,
  prune,
  expire,
  serve,
  checkpoint,
  restore,
  create,
  attachSegment,
  check,
  install,
  uninstall,
  completion,
  man,
];

/** All verbs of the `mvas` command, in the order in which help shows them. */
export const VERBS: readonly Verb[] = [...COMMANDS, help(COMMANDS.flatMap(namesOf))];
