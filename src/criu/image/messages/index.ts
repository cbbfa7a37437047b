// SPDX-License-Identifier: Apache-2.0
// Generated from proto/; do not edit.
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
import { RINGS_ENUMS, RINGS_MESSAGES } from './rings.js';
import { SIGNALS_ENUMS, SIGNALS_MESSAGES } from './signals.js';
import { SOCKETS_ENUMS, SOCKETS_MESSAGES } from './sockets.js';
import { STATS_ENUMS, STATS_MESSAGES } from './stats.js';
import { TIMERS_ENUMS, TIMERS_MESSAGES } from './timers.js';
import { TTY_ENUMS, TTY_MESSAGES } from './tty.js';
import { X86_ENUMS, X86_MESSAGES } from './x86.js';
import type * as Cgroup from './cgroup.js';
import type * as Core from './core.js';
import type * as Creds from './creds.js';
import type * as Eventfiles from './eventfiles.js';
import type * as Files from './files.js';
import type * as Fown from './fown.js';
import type * as Inventory from './inventory.js';
import type * as Memfd from './memfd.js';
import type * as Mm from './mm.js';
import type * as Namespaces from './namespaces.js';
import type * as Netfiles from './netfiles.js';
import type * as Pipes from './pipes.js';
import type * as Pstree from './pstree.js';
import type * as Rings from './rings.js';
import type * as Signals from './signals.js';
import type * as Sockets from './sockets.js';
import type * as Stats from './stats.js';
import type * as Timers from './timers.js';
import type * as Tty from './tty.js';
import type * as X86 from './x86.js';
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
export type * from './rings.js';
export type * from './signals.js';
export type * from './sockets.js';
export type * from './stats.js';
export type * from './timers.js';
export type * from './tty.js';
export type * from './x86.js';

/** Message name to interface. */
export interface ImageMessages {
  cgroup_perms: Cgroup.CgroupPerms;
  cgroup_prop_entry: Cgroup.CgroupPropEntry;
  cgroup_dir_entry: Cgroup.CgroupDirEntry;
  cg_controller_entry: Cgroup.CgControllerEntry;
  cg_member_entry: Cgroup.CgMemberEntry;
  cg_set_entry: Cgroup.CgSetEntry;
  cgroup_entry: Cgroup.CgroupEntry;
  rlimit_entry: Core.RlimitEntry;
  task_rlimits_entry: Core.TaskRlimitsEntry;
  task_core_entry: Core.TaskCoreEntry;
  thread_sas_entry: Core.ThreadSasEntry;
  rseq_entry: Core.RseqEntry;
  thread_core_entry: Core.ThreadCoreEntry;
  core_entry: Core.CoreEntry;
  creds_entry: Creds.CredsEntry;
  seccomp_filter: Creds.SeccompFilter;
  seccomp_entry: Creds.SeccompEntry;
  eventfd_file_entry: Eventfiles.EventfdFileEntry;
  eventpoll_tfd_entry: Eventfiles.EventpollTfdEntry;
  eventpoll_file_entry: Eventfiles.EventpollFileEntry;
  signalfd_entry: Eventfiles.SignalfdEntry;
  timerfd_entry: Eventfiles.TimerfdEntry;
  fh_entry: Eventfiles.FhEntry;
  inotify_wd_entry: Eventfiles.InotifyWdEntry;
  inotify_file_entry: Eventfiles.InotifyFileEntry;
  fanotify_inode_mark_entry: Eventfiles.FanotifyInodeMarkEntry;
  fanotify_mount_mark_entry: Eventfiles.FanotifyMountMarkEntry;
  fanotify_mark_entry: Eventfiles.FanotifyMarkEntry;
  fanotify_file_entry: Eventfiles.FanotifyFileEntry;
  pidfd_entry: Eventfiles.PidfdEntry;
  fdinfo_entry: Files.FdinfoEntry;
  reg_file_entry: Files.RegFileEntry;
  ns_file_entry: Files.NsFileEntry;
  ext_file_entry: Files.ExtFileEntry;
  file_entry: Files.FileEntry;
  fs_entry: Files.FsEntry;
  remap_file_path_entry: Files.RemapFilePathEntry;
  ghost_file_entry: Files.GhostFileEntry;
  mvas_xattr_entry: Files.MvasXattrEntry;
  ghost_chunk_entry: Files.GhostChunkEntry;
  file_lock_entry: Files.FileLockEntry;
  mvas_mqueue_file_entry: Files.MvasMqueueFileEntry;
  mvas_mqueue_entry: Files.MvasMqueueEntry;
  mvas_mqueue_message: Files.MvasMqueueMessage;
  fown_entry: Fown.FownEntry;
  plugins_entry: Inventory.PluginsEntry;
  mvas_tmpfs_entry: Inventory.MvasTmpfsEntry;
  inventory_entry: Inventory.InventoryEntry;
  memfd_file_entry: Memfd.MemfdFileEntry;
  memfd_inode_entry: Memfd.MemfdInodeEntry;
  vma_entry: Mm.VmaEntry;
  mvas_heritage: Mm.MvasHeritage;
  mvas_protection_keys: Mm.MvasProtectionKeys;
  aio_ring_entry: Mm.AioRingEntry;
  mm_entry: Mm.MmEntry;
  pagemap_head: Mm.PagemapHead;
  pagemap_entry: Mm.PagemapEntry;
  utsns_entry: Namespaces.UtsnsEntry;
  uid_gid_extent: Namespaces.UidGidExtent;
  userns_entry: Namespaces.UsernsEntry;
  pidns_entry: Namespaces.PidnsEntry;
  ipc_desc_entry: Namespaces.IpcDescEntry;
  ipc_var_entry: Namespaces.IpcVarEntry;
  ipc_shm_entry: Namespaces.IpcShmEntry;
  ipc_msg: Namespaces.IpcMsg;
  ipc_msg_entry: Namespaces.IpcMsgEntry;
  ipc_sem_entry: Namespaces.IpcSemEntry;
  mvas_adjustment: Namespaces.MvasAdjustment;
  mnt_entry: Namespaces.MntEntry;
  packet_mclist: Netfiles.PacketMclist;
  packet_ring: Netfiles.PacketRing;
  mvas_packet_block: Netfiles.MvasPacketBlock;
  packet_sock_entry: Netfiles.PacketSockEntry;
  netlink_sk_entry: Netfiles.NetlinkSkEntry;
  tunfile_entry: Netfiles.TunfileEntry;
  pipe_entry: Pipes.PipeEntry;
  pipe_data_entry: Pipes.PipeDataEntry;
  fifo_entry: Pipes.FifoEntry;
  pstree_entry: Pstree.PstreeEntry;
  task_kobj_ids_entry: Pstree.TaskKobjIdsEntry;
  mvas_io_uring_entry: Rings.MvasIoUringEntry;
  mvas_ring_buffers: Rings.MvasRingBuffers;
  mvas_ring_buffer: Rings.MvasRingBuffer;
  mvas_ring_files: Rings.MvasRingFiles;
  mvas_ring_file: Rings.MvasRingFile;
  mvas_ring_descriptor: Rings.MvasRingDescriptor;
  sa_entry: Signals.SaEntry;
  siginfo_entry: Signals.SiginfoEntry;
  signal_queue_entry: Signals.SignalQueueEntry;
  sk_opts_entry: Sockets.SkOptsEntry;
  mvas_sk_option: Sockets.MvasSkOption;
  file_perms_entry: Sockets.FilePermsEntry;
  unix_sk_entry: Sockets.UnixSkEntry;
  ip_opts_raw_entry: Sockets.IpOptsRawEntry;
  ip_opts_entry: Sockets.IpOptsEntry;
  tcp_opts_entry: Sockets.TcpOptsEntry;
  inet_sk_entry: Sockets.InetSkEntry;
  mvas_tcp_key: Sockets.MvasTcpKey;
  mvas_membership: Sockets.MvasMembership;
  tcp_stream_entry: Sockets.TcpStreamEntry;
  scm_entry: Sockets.ScmEntry;
  sk_packet_entry: Sockets.SkPacketEntry;
  dump_stats_entry: Stats.DumpStatsEntry;
  restore_stats_entry: Stats.RestoreStatsEntry;
  stats_entry: Stats.StatsEntry;
  timeval: Timers.Timeval;
  timespec: Timers.Timespec;
  timens_entry: Timers.TimensEntry;
  itimer_entry: Timers.ItimerEntry;
  posix_timer_entry: Timers.PosixTimerEntry;
  task_timers_entry: Timers.TaskTimersEntry;
  winsize_entry: Tty.WinsizeEntry;
  termios_entry: Tty.TermiosEntry;
  tty_pty_entry: Tty.TtyPtyEntry;
  tty_info_entry: Tty.TtyInfoEntry;
  tty_file_entry: Tty.TtyFileEntry;
  tty_data_entry: Tty.TtyDataEntry;
  user_x86_regs_entry: X86.UserX86RegsEntry;
  user_x86_cet_entry: X86.UserX86CetEntry;
  user_x86_xsave_entry: X86.UserX86XsaveEntry;
  user_x86_fpregs_entry: X86.UserX86FpregsEntry;
  user_desc_t: X86.UserDescT;
  thread_info_x86: X86.ThreadInfoX86;
  cpuinfo_x86_entry: X86.CpuinfoX86Entry;
  cpuinfo_entry: X86.CpuinfoEntry;
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
  ...RINGS_MESSAGES,
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
  ...RINGS_ENUMS,
  ...SIGNALS_ENUMS,
  ...SOCKETS_ENUMS,
  ...STATS_ENUMS,
  ...TIMERS_ENUMS,
  ...TTY_ENUMS,
  ...X86_ENUMS,
} as const;
