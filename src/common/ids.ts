// SPDX-License-Identifier: Apache-2.0
/*
 * Types for ids, which are plain numbers elsewhere and must not be confused. A process has one number on the host (more
 * exactly, in the engine's pid namespace) and one in its container; messages show the container's number. A process's
 * id is also that of its first thread, and of the group or session that it leads.
 *
 * Only the functions below make them, where an id comes from outside: in parsers of /proc, in the decoder of images
 * (whose fields `scripts/message-text.ts` lists), and in what runc, the keeper and command lines say.
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
