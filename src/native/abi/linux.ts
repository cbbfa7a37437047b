// SPDX-License-Identifier: Apache-2.0
/*
 * Constants of Linux that are the same on all architectures that usually run containers. Names are those of the
 * kernel's headers, in groups where there are many.
 */

/** Protection of memory; PROT_, MAP_ and MADV_ are from asm-generic/mman-common.h. */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;
export const PROT_READ_WRITE = PROT_READ | PROT_WRITE;

export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_DROPPABLE = 0x08;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_GROWSDOWN = 0x100;
export const MAP_LOCKED = 0x2000;
export const MAP_NORESERVE = 0x4000;
/** In an image, marks memory that is locked at once, not only when it is touched (mlock2(2), MLOCK_ONFAULT). */
export const MAP_POPULATE = 0x8000;
export const MAP_FIXED_NOREPLACE = 0x100000;
export const MAP_PRIVATE_ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS;

export const MLOCK_ONFAULT = 1;
export const MREMAP_MOVE_FIXED = 3;

export const MADV_RANDOM = 1;
export const MADV_SEQUENTIAL = 2;
export const MADV_DONTNEED = 4;
export const MADV_DONTFORK = 10;
export const MADV_DOFORK = 11;
export const MADV_MERGEABLE = 12;
export const MADV_HUGEPAGE = 14;
export const MADV_NOHUGEPAGE = 15;
export const MADV_DONTDUMP = 16;
export const MADV_WIPEONFORK = 18;
export const MADV_POPULATE_WRITE = 23;
export const MADV_COLLAPSE = 25;
export const MADV_GUARD_INSTALL = 102;

/** File types in st_mode. */
export const S_IF = {
  mask: 0o170000,
  fifo: 0o010000,
  chr: 0o020000,
  dir: 0o040000,
  blk: 0o060000,
  reg: 0o100000,
  lnk: 0o120000,
  sock: 0o140000,
} as const;

/** Commands of fcntl(2). */
export const F = {
  getfd: 1,
  getfl: 3,
  setfl: 4,
  setlk: 6,
  setown: 8,
  setsig: 10,
  getsig: 11,
  setownEx: 15,
  getownEx: 16,
  getOwnerUids: 17,
  ofdSetlk: 37,
  setLease: 1024,
  dupfdCloexec: 1030,
  setPipeSize: 1031,
  getPipeSize: 1032,
  addSeals: 1033,
  getSeals: 1034,
} as const;

export const SEEK = { set: 0, end: 2, data: 3, hole: 4 } as const;

/** What kcmp(2) compares. */
export const KCMP = { file: 0, vm: 1, files: 2, fs: 3, sysvSem: 6, epollTarget: 7 } as const;

/** Flags of openat2(2). */
export const RESOLVE = {
  noXdev: 0x01,
  noMagicLinks: 0x02,
  noSymlinks: 0x04,
  beneath: 0x08,
  inRoot: 0x10,
} as const;

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EMPTY_PATH = 0x1000;

/** Bits of poll(2). */
export const POLL = { in: 1, err: 8, hup: 16, rdhup: 0x2000 } as const;

/** Requests of ioctl(2). */
export const IOCTL = {
  fionread: 0x541b,
  /** SIOCOUTQ: what a socket has sent and nobody has received. */
  outQueue: 0x5411,
  /** SIOCUNIXFILE: the file a unix socket is bound to. */
  unixFile: 0x89e0,
  /** TFD_IOC_SET_TICKS. */
  setTicks: 0x40085400,
  /** INOTIFY_IOC_SETNEXTWD. */
  setNextWd: 0x40044900,
} as const;

/** Address families (linux/socket.h), and types of sockets. */
export const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16, packet: 17 } as const;
export const SOCK = { stream: 1, dgram: 2, raw: 3, seqpacket: 5, cloexec: 0o2000000 } as const;

/** States of sockets, those of unix sockets included (net/tcp_states.h). */
export const SOCKET_STATE = { established: 1, close: 7, listen: 10 } as const;

/** Flags of send(2) and recv(2). */
export const MSG = {
  peek: 2,
  ctrunc: 8,
  dontwait: 0x40,
  nosignal: 0x4000,
  cmsgCloexec: 0x40000000,
} as const;
/** Control messages of unix sockets (unix(7)), and most descriptors in one (SCM_MAX_FD). */
export const SCM = { rights: 1, credentials: 2, pidfd: 4, mostRights: 253 } as const;

/** Levels of socket options. */
// prettier-ignore
export const SOL = { socket: 1, ip: 0, tcp: 6, udp: 17, ipv6: 41, icmp6: 58, raw: 255, packet: 263, netlink: 270 } as const;
/** Options of SOL_SOCKET (asm-generic/socket.h). */
// prettier-ignore
export const SO = {
  reuseAddr: 2, type: 3, error: 4, broadcast: 6, sndbuf: 7, rcvbuf: 8, linger: 13, reusePort: 15, passCred: 16, peerCred: 17,
  rcvTimeout: 20, sndTimeout: 21, bindToDevice: 25, filter: 26, acceptConn: 30, sndbufForce: 32, rcvbufForce: 33,
  protocol: 38, domain: 39, peekOff: 42, lockFilter: 44, memInfo: 55, bufLock: 72, passPidfd: 76,
  passRights: 83,
} as const;

/** Commands of membarrier(2), and those of them that register a process. Source: linux/membarrier.h. */
export const MEMBARRIER = {
  query: 0,
  getRegistrations: 1 << 9,
  registrations: (1 << 2) | (1 << 4) | (1 << 6) | (1 << 8),
} as const;

/** Operations of prctl(2). Source: linux/prctl.h. */
export const PR = {
  setPdeathsig: 1,
  getPdeathsig: 2,
  getDumpable: 3,
  setDumpable: 4,
  setName: 15,
  setSeccomp: 22,
  capbsetDrop: 24,
  getTsc: 25,
  setTsc: 26,
  getSecurebits: 27,
  setSecurebits: 28,
  setTimerslack: 29,
  getTimerslack: 30,
  mceKill: 33,
  mceKillGet: 34,
  setMm: 35,
  setChildSubreaper: 36,
  getChildSubreaper: 37,
  setNoNewPrivs: 38,
  getTidAddress: 40,
  setThpDisable: 41,
  getThpDisable: 42,
  capAmbient: 47,
  setMdwe: 65,
  getMdwe: 66,
  setMemoryMerge: 67,
  getMemoryMerge: 68,
  timerCreateRestoreIds: 77,
  setVma: 0x53564d41,
} as const;

/** What {@link PR}.setMm and setVma set. */
export const PR_SET_MM_MAP = 14;
export const PR_SET_VMA_ANON_NAME = 0;

/** Requests of ptrace(2). Source: linux/ptrace.h. */
export const PTRACE = {
  cont: 7,
  setOptions: 0x4200,
  setSigmask: 0x420b,
  seccompGetFilter: 0x420c,
  seccompGetMetadata: 0x420d,
  getSyscallUserDispatch: 0x4211,
} as const;

export const SIGKILL = 9;
export const SIGTRAP = 5;
export const SIGCHLD = 17;
export const SIGSTOP = 19;
/** Highest signal number. */
export const SIGNALS = 64;

export const EINVAL = 22n;
export const EINTR = 4n;
