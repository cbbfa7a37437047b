// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownPid } from '../../../common/ids.js';
import { readCheckpointImage, type CheckpointImage } from '../../image/checkpoint-image.js';
import { encodeImage } from '../../image/codec.js';
import { imageFileName } from '../../image/header.js';
import { ImageReader } from '../../image/image-reader.js';
import { encodePart } from '../../image/part-codec.js';
import { partsOf } from '../../image/parts.js';
import { validateImage } from '../../image/validate.js';
import { formatVasReference, VAS_REFERENCE_FILE } from '../../image/vas-reference.js';
import type { KernelArea } from '../../memory/memory-plan.js';
import type { LiveFacts } from '../../plan/live-facts.js';
import { planRestore, type RestorePlan } from '../../plan/restore-plan.js';
import { auditThread } from '../../resources/attributes.js';
import { IMAGE_RULES } from '../../resources/rules.js';
import { encodeCalls } from '../../tracee/remote-calls.js';
import { PlanAhead } from '../plan-ahead.js';
import { readLiveFacts } from '../read-live-facts.js';
import { sampleImage, withMany } from './sample-image.js';

const BASE = 0x1000_0000_0000n;
/** No capability of the sample is to be refused. */
const ANY_CAPABILITY = (1n << 64n) - 1n;

/**
 * Reads an image and plans its restore, as for a container that does not come to be: what runs in every restore
 * before a process is touched has run before the first one. Starts no thread.
 *
 * @param directory holds the image meanwhile; it is made and removed
 */
export function rehearseRestore(directory: string): void {
  rehearseImage(directory, withMany(sampleImage()));
}

/** The same for an image, with the kernel's own areas of the VAS. */
export function rehearseImage(
  directory: string,
  image: CheckpointImage,
  kernelAreas: readonly KernelArea[] = [],
): void {
  rmSync(directory, { recursive: true, force: true }); // Of a rehearsal that was killed.
  mkdirSync(directory, { mode: 0o700 });
  try {
    writeImage(directory, image);
    readAndPlan(directory, kernelAreas);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function readAndPlan(directory: string, kernelAreas: readonly KernelArea[]): void {
  const reader = ImageReader.open(directory);
  try {
    const image = validateImage(readCheckpointImage(reader), IMAGE_RULES);
    const placed = { image, base: BASE, duplicates: undefined };
    const plan = PlanAhead.make(placed, () => ownFacts(kernelAreas));
    rehearseRelease(
      plan?.planFor(ownFacts(kernelAreas)) ?? planRestore(placed, ownFacts(kernelAreas)),
    );
  } finally {
    reader.close();
  }
}

/** What this process finds in place of a donor. */
function ownFacts(kernelAreas: readonly KernelArea[]): LiveFacts {
  const facts = readLiveFacts({
    live: {},
    donorPid: ownPid(),
    restorerPid: ownPid(),
    stdio: [null, null, null],
    hasConsole: false,
    image: undefined,
    hasIpc: false,
    kernelAreas,
    seccompChain: undefined,
    secret: '',
  });
  return { ...facts, limits: { ...facts.limits, boundingSet: ANY_CAPABILITY } };
}

/** What is done for each thread before it is let go; this one is not as it should be, which nobody is told. */
function rehearseRelease(plan: RestorePlan): void {
  plan.finish();
  for (const final of plan.finalThreads) {
    encodeCalls(plan.lastCalls(final.nsPid));
    final.state();
    auditThread({ pid: ownPid(), tid: ownPid() }, plan.expected(final));
  }
}

/** As a checkpoint does, but without waiting for anything. */
function writeImage(directory: string, image: CheckpointImage): void {
  const write = (name: string, bytes: Uint8Array | string): void => {
    writeFileSync(join(directory, name), bytes, { mode: 0o600 });
  };
  for (const [key, part] of partsOf()) {
    const content: unknown = image[key];
    if (part.by === 'id' && content instanceof Map) {
      for (const [id, file] of content as ReadonlyMap<number, unknown>) {
        write(imageFileName(part.kind, id), encodePart(part, file));
      }
    } else if (part.always || isThere(content)) {
      write(imageFileName(part.kind), encodePart(part, content));
    }
  }
  if (image.vas) write(VAS_REFERENCE_FILE, formatVasReference(image.vas));
  write(imageFileName('inventory'), encodeImage('inventory', [image.inventory]));
}

function isThere(content: unknown): boolean {
  if (content instanceof Map) return content.size > 0;
  return Array.isArray(content) ? content.length > 0 : content !== undefined;
}
