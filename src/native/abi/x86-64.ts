// SPDX-License-Identifier: Apache-2.0
/*
 * The parts of the kernel's interface that are specific to x86-64. Users import ./index.js, so that they name no
 * architecture.
 */

/** Bytes of a page of memory. */
export const PAGE = 4096n;

/** Bytes of a transparent huge page. */
export const HUGE_PAGE = 0x200000n;

/** End of the addresses of user space, without the last page (asm/page_64_types.h). */
export const USER_END = 0x7fff_ffff_f000n;

/** Numbers of system calls (asm/unistd_64.h). */
// prettier-ignore
export const SYS = {
  read: 0, write: 1, open: 2, close: 3, fstat: 5, poll: 7, lseek: 8, mmap: 9, mprotect: 10,
  munmap: 11, brk: 12, rt_sigaction: 13, rt_sigprocmask: 14, ioctl: 16, pread64: 17, pwrite64: 18,
  mremap: 25, madvise: 28, shmget: 29, shmat: 30, shmctl: 31, dup: 32, dup2: 33, nanosleep: 35, getitimer: 36, setitimer: 38,
  getpid: 39, sendfile: 40, socket: 41, connect: 42, accept: 43, sendto: 44, recvfrom: 45,
  sendmsg: 46, recvmsg: 47, shutdown: 48, bind: 49, listen: 50, getsockname: 51, getpeername: 52,
  socketpair: 53, setsockopt: 54, getsockopt: 55, clone: 56, exit: 60, wait4: 61, kill: 62, semget: 64, semop: 65, semctl: 66,
  shmdt: 67, msgget: 68, msgsnd: 69, msgrcv: 70, msgctl: 71, fcntl: 72,
  flock: 73, ftruncate: 77, chdir: 80, fchdir: 81, mkdir: 83, rmdir: 84, unlink: 87, symlink: 88,
  fchmod: 91, fchown: 93, umask: 95, ptrace: 101, setpgid: 109, setsid: 112, setreuid: 113,
  setgroups: 116, setresuid: 117, setresgid: 119, setfsuid: 122, setfsgid: 123, capget: 125,
  capset: 126, rt_sigpending: 127, rt_sigtimedwait: 128, rt_sigqueueinfo: 129, sigaltstack: 131, mknod: 133,
  personality: 135, fstatfs: 138, getpriority: 140, setpriority: 141, sched_setparam: 142,
  sched_setscheduler: 144, sched_getscheduler: 145, mlock: 149, mlockall: 151, modify_ldt: 154, prctl: 157, arch_prctl: 158, setrlimit: 160,
  chroot: 161, mount: 165, umount2: 166, gettid: 186, lsetxattr: 189, fsetxattr: 190, getxattr: 191,
  lgetxattr: 192, listxattr: 194, llistxattr: 195, futex: 202, sched_setaffinity: 203,
  sched_getaffinity: 204, epoll_create: 213, set_tid_address: 218, restart_syscall: 219,
  timer_create: 222, timer_settime: 223, timer_gettime: 224, timer_getoverrun: 225,
  timer_delete: 226, clock_nanosleep: 230, exit_group: 231, epoll_ctl: 233, tgkill: 234, mq_open: 240, mq_unlink: 241,
  mq_timedsend: 242, mq_getsetattr: 245,
  waitid: 247, keyctl: 250, ioprio_set: 251, ioprio_get: 252, inotify_init: 253,
  inotify_add_watch: 254, inotify_rm_watch: 255, openat: 257, mkdirat: 258, mknodat: 259, fchownat: 260, unlinkat: 263,
  linkat: 265, symlinkat: 266, fchmodat: 268, unshare: 272, set_robust_list: 273,
  get_robust_list: 274, splice: 275, tee: 276, utimensat: 280, timerfd_create: 283, fallocate: 285,
  timerfd_settime: 286, timerfd_gettime: 287, accept4: 288, signalfd4: 289, eventfd2: 290,
  epoll_create1: 291, dup3: 292, pipe2: 293, inotify_init1: 294, rt_tgsigqueueinfo: 297,
  prlimit64: 302, open_by_handle_at: 304, setns: 308, process_vm_readv: 310, process_vm_writev: 311,
  kcmp: 312, sched_setattr: 314, sched_getattr: 315, renameat2: 316, seccomp: 317, bpf: 321,
  memfd_create: 319, userfaultfd: 323, membarrier: 324, mlock2: 325, pkey_mprotect: 329,
  pkey_alloc: 330, pkey_free: 331, statx: 332, rseq: 334, pidfd_send_signal: 424,
  io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427,
  open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, pidfd_open: 434, clone3: 435,
  close_range: 436, openat2: 437, pidfd_getfd: 438, mount_setattr: 442, fchmodat2: 452,
} as const;

/** Flags of open(2) (asm/fcntl.h). */
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
  /** Used together with O_DIRECTORY. */
  tmpfile: 0o20000000,
} as const;
/** Those that fcntl(F_SETFL) can change. */
export const SETTABLE = O.append | O.nonblock | O.direct | O.noatime;
/** Those that stay with an open file and can be given to open(2) again. */
export const REOPENABLE =
  O.accessMode | SETTABLE | O.dsync | O.sync | O.largefile | O.nofollow | O.path;

/** `struct stat` (asm/stat.h): its size, and where its fields are. */
export const STAT = { bytes: 144, device: 0, inode: 8, size: 48 } as const;

/** /proc and cpuacct.stat count in USER_HZ, which is 100 (asm/param.h). */
export const NANOSECONDS_PER_TICK = 10_000_000n;

/** Operations of arch_prctl(2). Source: asm/prctl.h of x86. */
export const ARCH = { getCpuid: 0x1011, getXcompPerm: 0x1022, shstkStatus: 0x5005 } as const;
