// SPDX-License-Identifier: Apache-2.0
/*
 * Ids that are numbers to the kernel, and must not be mixed up. A process is numbered by the host (by the pid namespace
 * that the engine is in, to be exact) and by its container; messages show the container's number. They are
 * made where they are read: by the parsers of /proc. A process's id is its first thread's.
 */
declare const host: unique symbol;
declare const container: unique symbol;
declare const first: unique symbol;

export type HostTid = number & { readonly [host]: true };
export type HostPid = HostTid & { readonly [first]: true };
export type NsTid = number & { readonly [container]: true };
export type NsPid = NsTid & { readonly [first]: true };
