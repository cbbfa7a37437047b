// SPDX-License-Identifier: Apache-2.0
/*
 * Ids that are plain numbers to everybody else, and must not be mixed up. A process is numbered by the host
 * (by the pid namespace that the engine is in, to be exact) and by its container; messages show the container's number.
 * A process's id is its first thread's, and that of the group or session that it leads.
 *
 * The functions below make them, where an id comes in from outside: in parsers of /proc, in the decoder of images
 * (whose fields `scripts/message-text.ts` lists), in what runc, the keeper and command lines say. Nothing else does.
 */
declare const host: unique symbol;
declare const container: unique symbol;
declare const first: unique symbol;
declare const vas: unique symbol;

export type HostTid = number & { readonly [host]: true };
export type HostPid = HostTid & { readonly [first]: true };
export type NsTid = number & { readonly [container]: true };
export type NsPid = NsTid & { readonly [first]: true };
/** A VAS of ours, by the name of its directory. The kernel module numbers its own. */
export type VasId = string & { readonly [vas]: true };

/** A thread by the host's number. */
export function asHostTid(tid: number): HostTid {
  return tid as HostTid;
}

/** A process by the host's number. */
export function asHostPid(pid: number): HostPid {
  return pid as HostPid;
}

/** A thread by its container's number. */
export function asNsTid(tid: number): NsTid {
  return tid as NsTid;
}

/** A process by its container's number. */
export function asNsPid(pid: number): NsPid {
  return pid as NsPid;
}

/** A VAS by the name of its directory. */
export function asVasId(id: string): VasId {
  return id as VasId;
}

/** The engine's own process. */
export function ownPid(): HostPid {
  return process.pid as HostPid;
}

/** A container's first process, by the container's number. */
export const INIT = 1 as NsPid;
