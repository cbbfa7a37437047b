// SPDX-License-Identifier: Apache-2.0
import { INIT, ownPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { readNamespace, readStatus } from '../procfs/reader.js';
import { containerPid } from '../procfs/status.js';
import { sharedPidNamespace } from '../spec.js';
import type { CheckpointRequest } from './request.js';

/**
 * Refuses a container whose spec names a pid namespace by a path that is the host's, or that the container owns: the first
 * process in there has other rights than in one that others have made.
 *
 * @throws ShimError `failedPrecondition`
 */
export function checkPidNamespace({
  containerId,
  initPid,
  spec,
}: Pick<CheckpointRequest, 'containerId' | 'initPid' | 'spec'>): void {
  const path = sharedPidNamespace(spec);
  if (path === undefined) return;
  const refuse = (why: string, remedy: string): never => {
    const message = `checkpoint ${containerId}: ${path} is ${why}, which is not supported; remedy: ${remedy}`;
    throw new ShimError('failedPrecondition', message);
  };
  if (readNamespace(initPid, 'pid') === readNamespace(ownPid(), 'pid')) {
    refuse('the pid namespace of the host', 'give it that of a pod');
  }
  if (containerPid(readStatus(initPid)) === INIT) {
    refuse('a pid namespace in which it is PID 1', 'give it its own, without a path');
  }
}
