// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu; do not edit.
import { CGROUP_ENUMS, CGROUP_MESSAGES } from './cgroup.js';
import { CORE_ENUMS, CORE_MESSAGES } from './core.js';
import { CREDS_ENUMS, CREDS_MESSAGES } from './creds.js';
import { EVENTFILES_ENUMS, EVENTFILES_MESSAGES } from './eventfiles.js';
import { FILES_ENUMS, FILES_MESSAGES } from './files.js';
import { FOWN_ENUMS, FOWN_MESSAGES } from './fown.js';
import { INVENTORY_ENUMS, INVENTORY_MESSAGES } from './inventory.js';
import { MEMFD_ENUMS, MEMFD_MESSAGES } from './memfd.js';
import { MM_ENUMS, MM_MESSAGES } from './mm.js';
import { NAMESPACES_ENUMS, NAMESPACES_MESSAGES } from './namespaces.js';
import { NETFILES_ENUMS, NETFILES_MESSAGES } from './netfiles.js';
import { PIPES_ENUMS, PIPES_MESSAGES } from './pipes.js';
import { PSTREE_ENUMS, PSTREE_MESSAGES } from './pstree.js';
import { SIGNALS_ENUMS, SIGNALS_MESSAGES } from './signals.js';
import { SOCKETS_ENUMS, SOCKETS_MESSAGES } from './sockets.js';
import { STATS_ENUMS, STATS_MESSAGES } from './stats.js';
import { TIMERS_ENUMS, TIMERS_MESSAGES } from './timers.js';
import { TTY_ENUMS, TTY_MESSAGES } from './tty.js';
import { X86_ENUMS, X86_MESSAGES } from './x86.js';
import type {
  CgroupPerms,
  CgroupPropEntry,
  CgroupDirEntry,
  CgControllerEntry,
  CgMemberEntry,
  CgSetEntry,
  CgroupEntry,
} from './cgroup.js';
import type {
  RlimitEntry,
  TaskRlimitsEntry,
  TaskCoreEntry,
  ThreadSasEntry,
  RseqEntry,
  ThreadCoreEntry,
  CoreEntry,
} from './core.js';
import type { CredsEntry, SeccompFilter, SeccompEntry } from './creds.js';
import type {
  EventfdFileEntry,
  EventpollTfdEntry,
  EventpollFileEntry,
  SignalfdEntry,
  TimerfdEntry,
  FhEntry,
  InotifyWdEntry,
  InotifyFileEntry,
  FanotifyInodeMarkEntry,
  FanotifyMountMarkEntry,
  FanotifyMarkEntry,
  FanotifyFileEntry,
  PidfdEntry,
} from './eventfiles.js';
import type {
  FdinfoEntry,
  RegFileEntry,
  NsFileEntry,
  ExtFileEntry,
  FileEntry,
  FsEntry,
  RemapFilePathEntry,
  GhostFileEntry,
  MvasXattrEntry,
  GhostChunkEntry,
  FileLockEntry,
} from './files.js';
import type { FownEntry } from './fown.js';
import type { PluginsEntry, MvasTmpfsEntry, InventoryEntry } from './inventory.js';
import type { MemfdFileEntry, MemfdInodeEntry } from './memfd.js';
import type {
  VmaEntry,
  MvasHeritage,
  AioRingEntry,
  MmEntry,
  PagemapHead,
  PagemapEntry,
} from './mm.js';
import type {
  UtsnsEntry,
  UidGidExtent,
  UsernsEntry,
  PidnsEntry,
  IpcDescEntry,
  IpcVarEntry,
  IpcShmEntry,
  IpcMsg,
  IpcMsgEntry,
  IpcSemEntry,
  MntEntry,
} from './namespaces.js';
import type {
  PacketMclist,
  PacketRing,
  PacketSockEntry,
  NetlinkSkEntry,
  TunfileEntry,
} from './netfiles.js';
import type { PipeEntry, PipeDataEntry, FifoEntry } from './pipes.js';
import type { PstreeEntry, TaskKobjIdsEntry } from './pstree.js';
import type { SaEntry, SiginfoEntry, SignalQueueEntry } from './signals.js';
import type {
  SkOptsEntry,
  MvasSkOption,
  FilePermsEntry,
  UnixSkEntry,
  IpOptsRawEntry,
  IpOptsEntry,
  TcpOptsEntry,
  InetSkEntry,
  MvasMembership,
  TcpStreamEntry,
  ScmEntry,
  SkPacketEntry,
} from './sockets.js';
import type { DumpStatsEntry, RestoreStatsEntry, StatsEntry } from './stats.js';
import type {
  Timeval,
  Timespec,
  TimensEntry,
  ItimerEntry,
  PosixTimerEntry,
  TaskTimersEntry,
} from './timers.js';
import type {
  WinsizeEntry,
  TermiosEntry,
  TtyPtyEntry,
  TtyInfoEntry,
  TtyFileEntry,
  TtyDataEntry,
} from './tty.js';
import type {
  UserX86RegsEntry,
  UserX86CetEntry,
  UserX86XsaveEntry,
  UserX86FpregsEntry,
  UserDescT,
  ThreadInfoX86,
  CpuinfoX86Entry,
  CpuinfoEntry,
} from './x86.js';
export type * from './cgroup.js';
export type * from './core.js';
export type * from './creds.js';
export type * from './eventfiles.js';
export type * from './files.js';
export type * from './fown.js';
export type * from './inventory.js';
export type * from './memfd.js';
export type * from './mm.js';
export type * from './namespaces.js';
export type * from './netfiles.js';
export type * from './pipes.js';
export type * from './pstree.js';
export type * from './signals.js';
export type * from './sockets.js';
export type * from './stats.js';
export type * from './timers.js';
export type * from './tty.js';
export type * from './x86.js';

/** Message name to interface. */
export interface ImageMessages {
  cgroup_perms: CgroupPerms;
  cgroup_prop_entry: CgroupPropEntry;
  cgroup_dir_entry: CgroupDirEntry;
  cg_controller_entry: CgControllerEntry;
  cg_member_entry: CgMemberEntry;
  cg_set_entry: CgSetEntry;
  cgroup_entry: CgroupEntry;
  rlimit_entry: RlimitEntry;
  task_rlimits_entry: TaskRlimitsEntry;
  task_core_entry: TaskCoreEntry;
  thread_sas_entry: ThreadSasEntry;
  rseq_entry: RseqEntry;
  thread_core_entry: ThreadCoreEntry;
  core_entry: CoreEntry;
  creds_entry: CredsEntry;
  seccomp_filter: SeccompFilter;
  seccomp_entry: SeccompEntry;
  eventfd_file_entry: EventfdFileEntry;
  eventpoll_tfd_entry: EventpollTfdEntry;
  eventpoll_file_entry: EventpollFileEntry;
  signalfd_entry: SignalfdEntry;
  timerfd_entry: TimerfdEntry;
  fh_entry: FhEntry;
  inotify_wd_entry: InotifyWdEntry;
  inotify_file_entry: InotifyFileEntry;
  fanotify_inode_mark_entry: FanotifyInodeMarkEntry;
  fanotify_mount_mark_entry: FanotifyMountMarkEntry;
  fanotify_mark_entry: FanotifyMarkEntry;
  fanotify_file_entry: FanotifyFileEntry;
  pidfd_entry: PidfdEntry;
  fdinfo_entry: FdinfoEntry;
  reg_file_entry: RegFileEntry;
  ns_file_entry: NsFileEntry;
  ext_file_entry: ExtFileEntry;
  file_entry: FileEntry;
  fs_entry: FsEntry;
  remap_file_path_entry: RemapFilePathEntry;
  ghost_file_entry: GhostFileEntry;
  mvas_xattr_entry: MvasXattrEntry;
  ghost_chunk_entry: GhostChunkEntry;
  file_lock_entry: FileLockEntry;
  fown_entry: FownEntry;
  plugins_entry: PluginsEntry;
  mvas_tmpfs_entry: MvasTmpfsEntry;
  inventory_entry: InventoryEntry;
  memfd_file_entry: MemfdFileEntry;
  memfd_inode_entry: MemfdInodeEntry;
  vma_entry: VmaEntry;
  mvas_heritage: MvasHeritage;
  aio_ring_entry: AioRingEntry;
  mm_entry: MmEntry;
  pagemap_head: PagemapHead;
  pagemap_entry: PagemapEntry;
  utsns_entry: UtsnsEntry;
  uid_gid_extent: UidGidExtent;
  userns_entry: UsernsEntry;
  pidns_entry: PidnsEntry;
  ipc_desc_entry: IpcDescEntry;
  ipc_var_entry: IpcVarEntry;
  ipc_shm_entry: IpcShmEntry;
  ipc_msg: IpcMsg;
  ipc_msg_entry: IpcMsgEntry;
  ipc_sem_entry: IpcSemEntry;
  mnt_entry: MntEntry;
  packet_mclist: PacketMclist;
  packet_ring: PacketRing;
  packet_sock_entry: PacketSockEntry;
  netlink_sk_entry: NetlinkSkEntry;
  tunfile_entry: TunfileEntry;
  pipe_entry: PipeEntry;
  pipe_data_entry: PipeDataEntry;
  fifo_entry: FifoEntry;
  pstree_entry: PstreeEntry;
  task_kobj_ids_entry: TaskKobjIdsEntry;
  sa_entry: SaEntry;
  siginfo_entry: SiginfoEntry;
  signal_queue_entry: SignalQueueEntry;
  sk_opts_entry: SkOptsEntry;
  mvas_sk_option: MvasSkOption;
  file_perms_entry: FilePermsEntry;
  unix_sk_entry: UnixSkEntry;
  ip_opts_raw_entry: IpOptsRawEntry;
  ip_opts_entry: IpOptsEntry;
  tcp_opts_entry: TcpOptsEntry;
  inet_sk_entry: InetSkEntry;
  mvas_membership: MvasMembership;
  tcp_stream_entry: TcpStreamEntry;
  scm_entry: ScmEntry;
  sk_packet_entry: SkPacketEntry;
  dump_stats_entry: DumpStatsEntry;
  restore_stats_entry: RestoreStatsEntry;
  stats_entry: StatsEntry;
  timeval: Timeval;
  timespec: Timespec;
  timens_entry: TimensEntry;
  itimer_entry: ItimerEntry;
  posix_timer_entry: PosixTimerEntry;
  task_timers_entry: TaskTimersEntry;
  winsize_entry: WinsizeEntry;
  termios_entry: TermiosEntry;
  tty_pty_entry: TtyPtyEntry;
  tty_info_entry: TtyInfoEntry;
  tty_file_entry: TtyFileEntry;
  tty_data_entry: TtyDataEntry;
  user_x86_regs_entry: UserX86RegsEntry;
  user_x86_cet_entry: UserX86CetEntry;
  user_x86_xsave_entry: UserX86XsaveEntry;
  user_x86_fpregs_entry: UserX86FpregsEntry;
  user_desc_t: UserDescT;
  thread_info_x86: ThreadInfoX86;
  cpuinfo_x86_entry: CpuinfoX86Entry;
  cpuinfo_entry: CpuinfoEntry;
}

/** Field tables of all messages. */
export const IMAGE_MESSAGES = {
  ...CGROUP_MESSAGES,
  ...CORE_MESSAGES,
  ...CREDS_MESSAGES,
  ...EVENTFILES_MESSAGES,
  ...FILES_MESSAGES,
  ...FOWN_MESSAGES,
  ...INVENTORY_MESSAGES,
  ...MEMFD_MESSAGES,
  ...MM_MESSAGES,
  ...NAMESPACES_MESSAGES,
  ...NETFILES_MESSAGES,
  ...PIPES_MESSAGES,
  ...PSTREE_MESSAGES,
  ...SIGNALS_MESSAGES,
  ...SOCKETS_MESSAGES,
  ...STATS_MESSAGES,
  ...TIMERS_MESSAGES,
  ...TTY_MESSAGES,
  ...X86_MESSAGES,
} as const;

/** Numbers of all enums. */
export const IMAGE_ENUMS = {
  ...CGROUP_ENUMS,
  ...CORE_ENUMS,
  ...CREDS_ENUMS,
  ...EVENTFILES_ENUMS,
  ...FILES_ENUMS,
  ...FOWN_ENUMS,
  ...INVENTORY_ENUMS,
  ...MEMFD_ENUMS,
  ...MM_ENUMS,
  ...NAMESPACES_ENUMS,
  ...NETFILES_ENUMS,
  ...PIPES_ENUMS,
  ...PSTREE_ENUMS,
  ...SIGNALS_ENUMS,
  ...SOCKETS_ENUMS,
  ...STATS_ENUMS,
  ...TIMERS_ENUMS,
  ...TTY_ENUMS,
  ...X86_ENUMS,
} as const;
