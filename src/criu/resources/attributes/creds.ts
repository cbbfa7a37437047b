// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import type { CredsEntry } from '../../image/types.js';
import type { ProcStatus, TaskIds } from '../../procfs/status.js';
import { encodeCapabilities } from './capabilities.js';
import type { IdMap, IdMaps } from '../../procfs/id-map.js';

const MOST_GROUPS = 65536;
const NO_ID = 0xffffffff;
const KNOWN_SECUREBITS = 0xff;

/** What was asked for last, and the answer. */
let asked:
  | (Parts & { readonly securebits: number; readonly maps: IdMaps; readonly creds: CredsEntry })
  | undefined;

/** What of a status they consist of. Equal texts give the same objects. */
type Parts = Pick<ProcStatus, 'uid' | 'gid' | 'groups' | 'capabilities' | 'noNewPrivs'>;

/** Credentials of a thread from its status; ids are converted to those of its user namespace. */
export function toCreds(status: Parts, securebits: number, maps: IdMaps): CredsEntry {
  const { uid, gid, groups, capabilities, noNewPrivs } = status;
  if (asked?.securebits === securebits && asked.maps === maps && isSame(status, asked)) {
    return asked.creds;
  }
  const creds = convert(status, securebits, maps);
  asked = { uid, gid, groups, capabilities, noNewPrivs, securebits, maps, creds };
  return creds;
}

function isSame(one: Parts, other: Parts): boolean {
  return (
    one.uid === other.uid &&
    one.gid === other.gid &&
    one.groups === other.groups &&
    one.capabilities === other.capabilities &&
    one.noNewPrivs === other.noNewPrivs
  );
}

function convert(status: Parts, securebits: number, maps: IdMaps): CredsEntry {
  const inside = (ids: TaskIds, map: IdMap): number[] =>
    [ids.real, ids.effective, ids.saved, ids.fileSystem].map((id) => map.toInside(id));
  const [uid = 0, euid = 0, suid = 0, fsuid = 0] = inside(status.uid, maps.users);
  const [gid = 0, egid = 0, sgid = 0, fsgid = 0] = inside(status.gid, maps.groups);
  const groups = status.groups.map((group) => maps.groups.toInside(group));
  return shared({
    ...{ uid, gid, euid, egid, suid, sgid, fsuid, fsgid },
    ...encodeCapabilities(status.capabilities),
    secbits: securebits,
    groups,
    no_new_privs: status.noNewPrivs ? 1 : 0,
  });
}

let last: CredsEntry | undefined;
let lastKey = '';

/** Credentials that are equal to those of the thread before: nobody changes them, so they are encoded once. */
function shared(creds: CredsEntry): CredsEntry {
  const key = Object.values(creds).join(' ');
  if (last === undefined || key !== lastKey) [last, lastKey] = [Object.freeze(creds), key];
  return last;
}

/**
 * Throws `dataLoss` for ids that mean "unchanged" to the kernel, and for sets that are too large or of odd length.
 */
export function checkCreds(where: string, creds: CredsEntry): void {
  const { uid, gid, euid, egid, suid, sgid, fsuid, fsgid, groups } = creds;
  const ids = [uid, gid, euid, egid, suid, sgid, fsuid, fsgid, ...groups];
  if (groups.length > MOST_GROUPS) badImage(`${where}: ${String(groups.length)} groups`);
  if (ids.some((id) => id < 0 || id >= NO_ID)) badImage(`${where}: an impossible user or group id`);
  if ((creds.secbits & ~KNOWN_SECUREBITS) !== 0) badImage(`${where}: impossible securebits`);
  const { cap_inh, cap_prm, cap_eff, cap_bnd, cap_amb } = creds;
  const isWhole = [cap_inh, cap_prm, cap_eff, cap_bnd].every((words) => words.length === 2);
  if (!isWhole || ![0, 2].includes(cap_amb.length)) {
    badImage(`${where}: a capability set is not two words`);
  }
}
