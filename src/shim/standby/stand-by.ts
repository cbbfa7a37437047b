// SPDX-License-Identifier: Apache-2.0
import { standBy } from '../../standby/standby.js';
import { becomeDaemon } from './become.js';
import { USUAL, WARM_UPS } from './warm-up.js';

/** The shim's standby: its forks become daemons. */
export async function standByForDaemons(directory: string): Promise<void> {
  await standBy(directory, {
    words: ['containerd-shim-mvas-v1', '-socket', directory, 'standby'],
    become: becomeDaemon,
    warmUps: WARM_UPS,
    spareWords: ['containerd-shim-mvas-v1', '-socket', directory, 'spare'],
    usual: USUAL,
  });
}
