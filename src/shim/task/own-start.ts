// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import type { Spec } from '../bundle.js';
import { isFresh, layersOf } from '../mount/snapshot-files.js';
import type { CreateTaskRequest } from '../../common/messages/task.js';
import { ownName } from './own-snapshot.js';
import type { Surroundings } from './ports.js';
import { RESTORE, userOf, type Origin } from './warm-start.js';
import { parseWhen, WHEN, type When } from './when.js';

const log = logger('task');

/** What CRI calls the container that only holds a pod's namespaces: it gets the pod's annotations, too. */
const TYPE = 'io.kubernetes.cri.container-type';

/** How a container starts that is to have a snapshot of its own: `mvas.snapshot.when`. */
export interface OwnStart {
  readonly when: When;
  /** The snapshot's name. */
  readonly name: string;
  /** What it begins from; undefined if the snapshot is still to be taken. */
  readonly origin: Origin | undefined;
  /** Whether there is a snapshot of the name that cannot be restored, and is to be replaced. */
  readonly isSpent: boolean;
}

/**
 * How a container is to start, if its annotations ask for a snapshot of its own.
 *
 * @throws ShimError `invalidArgument` about the annotation; whatever else fails means a cold start, with a line in the log
 */
export async function ownStart(
  { id: task, rootfs }: Pick<CreateTaskRequest, 'id' | 'rootfs'>,
  spec: Spec,
  { namespace, engine }: Pick<Surroundings, 'namespace' | 'engine'>,
): Promise<OwnStart | undefined> {
  const { [WHEN]: asked, [RESTORE]: other, [TYPE]: type } = spec.annotations ?? {};
  const when = parseWhen(asked);
  if (!when || other !== undefined || type === 'sandbox') return undefined;
  const without = (reason: string): OwnStart | undefined => {
    log.warn('starts cold, and no snapshot is taken of it', { task, reason });
    return undefined;
  };
  const layers = layersOf(rootfs);
  if (!layers) return without('its root filesystem is not an overlay that containerd has made');
  if (!isFresh(rootfs)) return without('something has been written to its root filesystem before');
  const name = ownName(spec, layers);
  try {
    const { record, imagePath } = await engine.findSnapshot(name, userOf(spec, namespace));
    const isSpent = await engine.failsAlways(record.id);
    const origin = isSpent ? undefined : { imagePath, snapshot: record };
    if (isSpent)
      log.warn('starts from its own snapshot have failed, so it is taken anew', { task, name });
    return { when, name, isSpent, origin };
  } catch (error) {
    const { kind, message } = ShimError.from(error);
    const isSpent = kind === 'failedPrecondition';
    if (kind !== 'notFound' && !isSpent) return without(message);
    return { when, name, isSpent, origin: undefined };
  }
}
