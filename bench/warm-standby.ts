// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a standby takes until it has warmed up, on a slow machine. */
const WARM_UP_MS = 12_000;

/** For a containerd whose standby is to stay as long as it does for users: tests want it to go earlier. */
export const STANDBY_STAYS = { MVAS_STANDBY_IDLE_MS: '60000' };

/** Waits until a standby that has just been started has warmed up, as one has on a node that is used. */
export async function standbyIsWarm(): Promise<void> {
  if (process.env['MVAS_STANDBY'] !== '0') await sleep(WARM_UP_MS);
}
