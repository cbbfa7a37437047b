// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import { logger } from '../common/log.js';
import type { Place } from '../common/place.js';
import { lifeOf, logEnd, type VasEntry } from '../criu/index.js';
import { nameOf } from './summary.js';

const log = logger('vas');

/**
 * Tells of the end of a VAS, when it has ended: in the log of its root, and by an event of the containerd that it has to do
 * with. Returned before, since nothing is known of it afterwards. Never fails.
 */
export function announcementOf(entry: VasEntry, why: string): () => Promise<void> {
  const { id, record } = entry;
  const { containerId = '', bytes = 0 } = record ?? {};
  const ended = { id, name: nameOf(entry), containerId, bytes, why };
  const note = lifeOf(entry).record?.note ?? '';
  return async () => {
    logEnd(ended, new Date());
    const place = note === '' && !entry.snapshot ? undefined : await placeOf(entry, note);
    if (!place) return;
    const { ContainerdApi, publishEnd } = await import('../containerd/index.js');
    const api = new ContainerdApi(place);
    try {
      await publishEnd(api, ended);
    } catch (error) {
      log.debug('no event', { vas: id, error: ShimError.from(error).message });
    } finally {
      api.close();
    }
  };
}

async function placeOf({ snapshot }: VasEntry, note: string): Promise<Place | undefined> {
  const { decodeNote, decodeTemplate } = await import('../containerd/index.js');
  return snapshot ? decodeTemplate(snapshot.template).place : decodeNote(note)?.place;
}
