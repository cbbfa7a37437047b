// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { SnapshotFacts } from './snapshot-record.js';

/** Who wants to restore from a snapshot. */
export interface SnapshotUser {
  readonly owner: string;
  /** Undefined: who may use all that is the owner's. */
  readonly group?: string | undefined;
}

type Access = Pick<SnapshotFacts, 'owner' | 'group' | 'shared'>;

/** Whether somebody may restore from a snapshot. `sharedByHost` is asked only if that matters. */
export function mayUse(
  { owner, group, shared }: Access,
  user: SnapshotUser,
  sharedByHost: () => readonly string[],
): boolean {
  if (owner === user.owner && (user.group === undefined || group === user.group)) return true;
  const names = namesOf(user);
  return [shared, sharedByHost()].some((list) => list.some((name) => names.includes(name)));
}

/** @throws ShimError `permissionDenied` */
export function assertMayUse(
  snapshot: Access & { readonly id: string },
  user: SnapshotUser,
  sharedByHost: () => readonly string[],
): void {
  if (mayUse(snapshot, user, sharedByHost)) return;
  const [theirs, ours] = [snapshot, user].map(wordsOf);
  const remedy = 'remedy: share it (mvas.share of its container, mvas snapshot --share)';
  const message = `snapshot ${snapshot.id} belongs to ${theirs ?? ''}, not to ${ours ?? ''}; ${remedy}`;
  throw new ShimError('permissionDenied', message);
}

/** What names a user in a list of those that something is shared with. */
function namesOf({ owner, group = '' }: SnapshotUser): readonly string[] {
  return ['*', owner, ...(group === '' ? [] : [`${owner}/${group}`])];
}

function wordsOf({ owner, group = '' }: SnapshotUser): string {
  return group === '' ? owner : `${owner}/${group}`;
}

/** `default,k8s.io/team` as a list. @throws ShimError `invalidArgument` */
export function parseShared(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !/^(?:\*|[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)?)$/.test(name));
  if (wrong === undefined) return names;
  const message = `share a snapshot with ${JSON.stringify(wrong)}: not NAMESPACE, NAMESPACE/POD-NAMESPACE or *`;
  throw new ShimError('invalidArgument', message);
}
