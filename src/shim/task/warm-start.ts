// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { podNamespaceOf } from '../../common/pod-namespace.js';
import type { SnapshotRecord, SnapshotUser } from '../../criu/index.js';
import type { Spec } from '../bundle.js';
import type { Surroundings } from './ports.js';

const log = logger('task');

/** Annotation: the snapshot, by id or name, of which the container is to be a clone. */
export const RESTORE = 'mvas.restore';
/** Annotation: what to do if there is no such snapshot: `fail` (the default), or `cold`, an ordinary start. */
export const FALLBACK = 'mvas.restore.fallback';
/** Annotation: who else may make clones of snapshots of the container; `mvas snapshot` reads it. */
export const SHARE = 'mvas.share';

/** Kinds of errors that mean that a snapshot is gone. */
const GONE: readonly string[] = ['notFound', 'failedPrecondition'];

/** What a new container begins from. */
export interface Origin {
  /** Image directory; empty: nothing, it starts cold. */
  readonly imagePath: string;
  /** The snapshot that this is of; undefined for an image of the client's. */
  readonly snapshot?: SnapshotRecord;
}

/** An ordinary start. */
export const COLD: Origin = { imagePath: '' };

/**
 * What a new container begins from, as its annotations say.
 *
 * @throws ShimError `notFound`, `failedPrecondition`, `permissionDenied` about the snapshot; `invalidArgument`
 */
export async function originOf(
  spec: Spec,
  { namespace, engine }: Pick<Surroundings, 'namespace' | 'engine'>,
): Promise<Origin> {
  const { [RESTORE]: wanted, [FALLBACK]: fallback = 'fail' } = spec.annotations ?? {};
  if (wanted === undefined) return COLD;
  if (fallback !== 'fail' && fallback !== 'cold') {
    const message = `annotation ${FALLBACK} is ${JSON.stringify(fallback)}, not fail or cold`;
    throw new ShimError('invalidArgument', message);
  }
  try {
    const { record, imagePath } = await engine.findSnapshot(wanted, userOf(spec, namespace));
    assertSameCommand(wanted, record.args, spec.process?.args ?? []);
    return { imagePath, snapshot: record };
  } catch (error) {
    const { kind, message } = ShimError.from(error);
    if (fallback === 'cold' && GONE.includes(kind)) {
      log.warn('started cold', { snapshot: wanted, reason: message });
      return COLD;
    }
    throw new ShimError(kind, `annotation ${RESTORE}: ${message}`, { cause: error });
  }
}

/** Who a container is, for access to snapshots. */
export function userOf(spec: Spec, namespace: string): SnapshotUser {
  return { owner: namespace, group: podNamespaceOf(spec) };
}

/** Another command in the spec means that another snapshot was meant. */
export function assertSameCommand(
  wanted: string,
  there: readonly string[],
  here: readonly string[],
): void {
  if (JSON.stringify(there) === JSON.stringify(here)) return;
  const [runs, asked] = [there, here].map((args) => JSON.stringify(args));
  const message = `snapshot ${wanted} is of a container that runs ${runs}, but this one is to run ${asked}`;
  throw new ShimError('invalidArgument', message);
}
