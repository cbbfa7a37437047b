// SPDX-License-Identifier: Apache-2.0
import type { VasRecord } from '../vas/store.js';
import { readImage, type FoundImage, type OpenedImage } from './open-image.js';

/** How long an image is kept for the next restore of it: as long as a daemon without containers waits for the next clone. */
const KEPT_MS = 10_000;
/** Bytes of its files, and of the content of tmpfs mounts, beyond which it is not: decoded, it takes several times as much. */
const MOST = 1024 * 1024;

interface Kept {
  readonly key: string;
  readonly opened: OpenedImage;
  readonly timer: NodeJS.Timeout;
}

/** The image that was restored last. */
export class RecentImage {
  readonly #decode: typeof readImage;
  #kept: Kept | undefined;

  constructor(decode = readImage) {
    this.#decode = decode;
  }

  /**
   * Decodes an image as {@link readImage}, unless it has decoded the same one a moment ago: clones of one snapshot that share a daemon
   * come one right after the other. It is the same if its files are, which have been compared with the digest in the VAS's record.
   */
  read(found: FoundImage, path: string): OpenedImage {
    const key = keyOf(found.record);
    const opened = this.#kept?.key === key ? this.#kept.opened : this.#decode(found, path);
    if (isWorthKeeping(opened)) this.#keep(key, opened);
    return { ...opened, record: found.record };
  }

  #keep(key: string, opened: OpenedImage): void {
    clearTimeout(this.#kept?.timer);
    const timer = setTimeout(() => {
      this.#kept = undefined;
    }, KEPT_MS).unref();
    this.#kept = { key, opened, timer };
  }
}

function keyOf({ id, imageDigest }: VasRecord): string {
  return `${id} ${imageDigest}`;
}

/** What the kernel's backend has for each process is looked up each time. */
function isWorthKeeping({ record, tmpfs, duplicates }: OpenedImage): boolean {
  const size = tmpfs.reduce((sum, { archive }) => sum + archive.length, 0);
  return duplicates === undefined && size <= MOST && record.imageSize.bytes <= MOST;
}
