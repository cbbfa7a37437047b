// SPDX-License-Identifier: Apache-2.0

/** Flags of open(2) on x86-64 (asm-generic/fcntl.h). */
export const O = {
  accessMode: 0o3,
  rdonly: 0o0,
  wronly: 0o1,
  rdwr: 0o2,
  creat: 0o100,
  excl: 0o200,
  noctty: 0o400,
  append: 0o2000,
  nonblock: 0o4000,
  dsync: 0o10000,
  async: 0o20000,
  direct: 0o40000,
  largefile: 0o100000,
  directory: 0o200000,
  nofollow: 0o400000,
  noatime: 0o1000000,
  cloexec: 0o2000000,
  sync: 0o4000000,
  path: 0o10000000,
  /** Comes along with O_DIRECTORY. */
  tmpfile: 0o20000000,
} as const;

/** Flags that fcntl(F_SETFL) can change. */
export const SETTABLE = O.append | O.nonblock | O.direct | O.noatime;

/** Flags that stay with an open file and can be given to open(2) again. */
export const REOPENABLE =
  O.accessMode | SETTABLE | O.dsync | O.sync | O.largefile | O.nofollow | O.path;

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
  setsig: 10,
  getsig: 11,
  setownEx: 15,
  getownEx: 16,
  getOwnerUids: 17,
  ofdSetlk: 37,
  setLease: 1024,
  setPipeSize: 1031,
  getPipeSize: 1032,
  addSeals: 1033,
  getSeals: 1034,
} as const;

export const SEEK = { set: 0, end: 2, data: 3, hole: 4 } as const;

/** What kcmp(2) compares. */
export const KCMP = { file: 0, vm: 1, files: 2, fs: 3, epollTarget: 7 } as const;

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

/** Bits of poll(2). */
export const POLL = { in: 1, err: 8, hup: 16, rdhup: 0x2000 } as const;

/** Requests of ioctl(2). */
export const IOCTL = {
  fionread: 0x541b,
  /** SIOCUNIXFILE: the file a unix socket is bound to. */
  unixFile: 0x89e0,
  /** TFD_IOC_SET_TICKS. */
  setTicks: 0x40085400,
  /** INOTIFY_IOC_SETNEXTWD. */
  setNextWd: 0x40044900,
} as const;

/** Numbers of system calls which the common table lacks. */
export const NR = {
  fstat: 5,
  poll: 7,
  fstatfs: 138,
  sendfile: 40,
  lsetxattr: 189,
  fsetxattr: 190,
  getxattr: 191,
  lgetxattr: 192,
  listxattr: 194,
  llistxattr: 195,
  utimensat: 280,
  renameat2: 316,
  openTree: 428,
  mountSetattr: 442,
  /** Linux 6.6. */
  fchmodat2: 452,
} as const;

export const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16, packet: 17 } as const;
export const SOCK = { stream: 1, dgram: 2, raw: 3, seqpacket: 5 } as const;
