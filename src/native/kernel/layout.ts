// SPDX-License-Identifier: Apache-2.0
import type { KernelTypes } from '../btf.js';

/** The structures of the kernel that lead to open files, and to what sockets have. */
const SOCKETS = {
  task_struct: ['files', 'thread_pid'],
  files_struct: ['fdt'],
  fdtable: ['fd', 'max_fds'],
  file: ['private_data'],
  pid: ['level', 'numbers'],
  socket: ['sk'],
  sock_common: ['skc_cookie'],
  sock: ['sk_receive_queue', 'sk_socket'],
  sk_buff_head: ['next', 'qlen'],
  sk_buff: ['next', 'len', 'data_len', 'data', 'head', 'end', 'cb'],
  skb_shared_info: ['nr_frags', 'frag_list', 'frags'],
  unix_sock: ['peer'],
  unix_skb_parms: ['pid', 'uid', 'gid', 'fp', 'consumed'],
  scm_fp_list: ['count', 'fp'],
  inet_connection_sock: ['icsk_accept_queue'],
  request_sock_queue: ['rskq_accept_head'],
  request_sock: ['dl_next', 'sk'],
  tcp_sock: ['copied_seq', 'urg_data'],
  tcp_skb_cb: ['seq'],
} as const;

/** Those that lead to what terminals have. */
const TERMINALS = {
  tty_file_private: ['tty'],
  tty_struct: ['link', 'port', 'disc_data', 'ldisc'],
  tty_ldisc: ['ops'],
  tty_port: ['buf'],
  tty_bufhead: ['head'],
  tty_buffer: ['next', 'read', 'commit', 'data'],
  n_tty_data: [
    ...['read_head', 'canon_head', 'read_tail', 'read_flags', 'read_buf'],
    ...['echo_head', 'echo_tail', 'lnext', 'erasing', 'push', 'icanon'],
  ],
} as const;

/** Those that lead to what an io_uring has (include/linux/io_uring_types.h). */
const RINGS = {
  task_struct: ['io_uring', 'thread_pid'],
  io_ring_ctx: [
    ...['flags', 'restricted', 'iowq_limits_set', 'submitter_task'],
    ...['io_bl_xa', 'io_ev_fd', 'tctx_list'],
  ],
  io_tctx_node: ['ctx_node', 'task'],
  io_uring_task: ['registered_rings'],
  io_ev_fd: ['cq_ev_fd', 'eventfd_async'],
  xarray: ['xa_head'],
  xa_node: ['shift', 'slots', 'tags'],
} as const;

/** Registered files, as the kernel keeps them since Linux 6.13. */
const RING_FILES = {
  io_ring_ctx: ['file_table', 'file_alloc_start', 'file_alloc_end'],
  io_file_table: ['data'],
  io_rsrc_data: ['nr', 'nodes'],
  io_rsrc_node: ['tag', 'file_ptr'],
} as const;

/** Registered buffers, likewise; whether one is of the kernel's own (Linux 6.15), as a bit of one member or the other. */
const RING_BUFFERS = {
  io_ring_ctx: ['buf_table'],
  io_rsrc_data: ['nr', 'nodes'],
  io_rsrc_node: ['tag', 'buf'],
  io_mapped_ubuf: ['ubuf', 'len', 'nr_bvecs', 'bvec'],
  bio_vec: ['bv_page', 'bv_len', 'bv_offset'],
} as const;
const OF_KERNEL = ['is_kbuf', 'flags'] as const;

/** The clock of waits (Linux 6.12), and groups of buffers below 64 (before Linux 6.8). */
const RING_CLOCK = { io_ring_ctx: ['clockid'] } as const;
const RING_LOW_GROUPS = { io_ring_ctx: ['io_bl'] } as const;

/** Those that lead to the keys of a TCP socket (include/net/tcp.h). */
const KEYS = {
  tcp_sock: ['md5sig_info'],
  tcp_md5sig_info: ['head'],
  tcp_md5sig_key: ['node', 'keylen', 'family', 'prefixlen', 'flags', 'addr', 'key'],
} as const;

type Members = Readonly<Record<string, readonly string[]>>;

/** Where members lie in their structures, in bytes; those of a bit or more, as a fraction of them. */
export type Offsets<M extends Members> = {
  readonly [S in keyof M]: Readonly<Record<M[S][number], number>>;
};
export type KernelLayout = Offsets<typeof SOCKETS>;
export type KeyLayout = Offsets<typeof KEYS>;
export type TerminalLayout = Offsets<typeof TERMINALS>;
export type RingBufferLayout = Offsets<typeof RING_BUFFERS> & {
  readonly ofKernel: number | undefined;
};
export type RingLayout = Offsets<typeof RINGS> & {
  readonly files: Offsets<typeof RING_FILES> | undefined;
  readonly buffers: RingBufferLayout | undefined;
  readonly clock: Offsets<typeof RING_CLOCK> | undefined;
  readonly lowGroups: Offsets<typeof RING_LOW_GROUPS> | undefined;
};

/** How a kernel with these types lays out sockets; undefined if it has something else instead. */
export function socketsIn(types: KernelTypes): KernelLayout | undefined {
  return offsetsIn(types, SOCKETS);
}

/** The same of terminals. */
export function terminalsIn(types: KernelTypes): TerminalLayout | undefined {
  return offsetsIn(types, TERMINALS);
}

/** The same of the keys of TCP sockets. */
export function keysIn(types: KernelTypes): KeyLayout | undefined {
  return offsetsIn(types, KEYS);
}

/** The same of io_urings. */
export function ringsIn(types: KernelTypes): RingLayout | undefined {
  const rings = offsetsIn(types, RINGS);
  if (!rings) return undefined;
  const files = offsetsIn(types, RING_FILES);
  const buffers = ringBuffersIn(types);
  const clock = offsetsIn(types, RING_CLOCK);
  const lowGroups = offsetsIn(types, RING_LOW_GROUPS);
  return { ...rings, files, buffers, clock, lowGroups };
}

function ringBuffersIn(types: KernelTypes): RingBufferLayout | undefined {
  const buffers = offsetsIn(types, RING_BUFFERS);
  const [ofKernel] = OF_KERNEL.flatMap((name) => types.offsetsOf('io_mapped_ubuf', [name]) ?? []);
  return buffers && { ...buffers, ofKernel };
}

function offsetsIn<M extends Members>(types: KernelTypes, wanted: M): Offsets<M> | undefined {
  const found: [string, Record<string, number>][] = [];
  for (const [structure, members] of Object.entries(wanted)) {
    const offsets = types.offsetsOf(structure, members);
    if (!offsets) return undefined;
    const named = members.map((name, index) => [name, offsets[index] ?? 0] as const);
    found.push([structure, Object.fromEntries(named)]);
  }
  return Object.fromEntries(found) as Offsets<M>;
}
