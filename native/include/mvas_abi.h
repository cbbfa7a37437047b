/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The border between the engine and the freestanding code (keeper, holder, restorer).
 *
 * A plan is a memory file which the engine writes and the freestanding code maps (shared) at an
 * address the engine chose. Offsets are from its start:
 *
 *   0     struct mvas_plan_header
 *   64    slots: int64_t each; results of operations, read as arguments by later ones
 *   ...   operations, data, stacks of threads, wherever the engine put them
 *
 * The freestanding code knows nothing of containers: it executes operations one after the other
 * until MVAS_OP_END, and stops at the first one that fails.
 *
 * Kept in step with src/criu/plan/abi.ts.
 */
#ifndef MVAS_ABI_H_
#define MVAS_ABI_H_

#define MVAS_PLAN_MAGIC 0x34304e4c50534156ull /* "VASPLN04" */
#define MVAS_PLAN_SLOTS_OFFSET 64
/* Bytes of the stack of a process or thread that a plan makes. */
#define MVAS_PLAN_STACK 4096

struct mvas_plan_header {
	unsigned long long magic;
	unsigned long long size;   /* bytes of the whole plan */
	unsigned long long slots;  /* number of slots */
	unsigned long long failed; /* offset of the operation, or the row, that failed; 0: none */
	long long failed_result;   /* its result */
	unsigned long long failed_row; /* offset of the row that it was done for; 0: none */
	unsigned long long reserved[2];
};

/*
 * Flags of an operation. Bits 0-5: argument i is the number of a slot, whose value is used. Bits
 * 6-11: argument i is an offset into the plan, whose address is used.
 */
#define MVAS_OP_SLOT(i) (1u << (i))
#define MVAS_OP_OFFSET(i) (64u << (i))
#define MVAS_OP_TOLERATE (1u << 12) /* failure is ignored */
#define MVAS_OP_EXPECT (1u << 13)   /* anything but `expect` is a failure */
#define MVAS_OP_STORE (1u << 14)    /* the result goes to slot `slot` */
#define MVAS_OP_MOVE (1u << 15)     /* the result is a descriptor, which becomes number `slot` */
/*
 * Of an operation that MVAS_OP_EACH does for a row. Bits 16-21: argument i is an offset in the row,
 * whose word is used. Bits 22-27: argument i is an offset in the row, whose address is used.
 */
#define MVAS_OP_ROW_WORD(i) (65536u << (i))
#define MVAS_OP_ROW_ADDRESS(i) (4194304u << (i))
#define MVAS_OP_ROW_MOVE (1u << 28)   /* with MVAS_OP_MOVE: the number is at offset `slot` of it */
#define MVAS_OP_ROW_EXPECT (1u << 29) /* anything but the word at offset `expect` of it fails */

/* A system call: nr, a[0..5]. */
#define MVAS_OP_SYSCALL 1
/* Copies a[2] bytes from a[1] to a[0]. */
#define MVAS_OP_COPY 2
/* Pulls all of a[3] bytes at a[2] of process a[0] to a[1] (process_vm_readv(2)). */
#define MVAS_OP_PULL 3
/* Pulls all of a[3] bytes at offset a[2] of file a[0] to a[1] (pread(2)). */
#define MVAS_OP_PREAD 4
/* Forks; the child, pid a[0] in its innermost pid namespace, continues at operation offset a[1]
 * with its stack ending at address a[4]. a[2]: more clone flags; a[3]: the signal that its parent
 * gets when it exits. */
#define MVAS_OP_FORK 5
/* Creates a thread with tid a[0], which continues at operation offset a[1] with its stack ending at
 * address a[2]. */
#define MVAS_OP_THREAD 6
/* Stands at a breakpoint until the tracer lets it continue. */
#define MVAS_OP_STOP 7
#define MVAS_OP_END 8
/* Creates the POSIX timer with id a[2] of clock a[0] and sigevent a[1], by creating and deleting
 * others until that id comes. */
#define MVAS_OP_TIMER 9
/* Takes pending signals out of set a[0] (address of a 64-bit mask) until none is left. */
#define MVAS_OP_DRAIN_SIGNALS 10
/* Writes (nr 1) or a[3]: all of a[2] bytes at a[1] to descriptor a[0]. */
#define MVAS_OP_WRITE 11
/* Stores the word a[1] (such as the address of plan data) at address a[0]: pointers inside
 * structures. */
#define MVAS_OP_POKE 12
/* Pulls all of a[3] bytes at a[2] of VAS a[4] of the kernel to a[1]; a[0] is /dev/mvas. */
#define MVAS_OP_READ_VAS 13
/* Opens path a[1] below directory a[0] by the open_how at a[2] (openat2(2)), as descriptor a[3].
 * Its flags are then set to a[4] (F_SETFL), unless that is -1, and its `struct stat` goes to a[5],
 * unless that is 0. */
#define MVAS_OP_OPEN 14
/* Moves the descriptor whose number is in the int at a[0] to number a[1]. */
#define MVAS_OP_MOVE_FROM 15
/* System call nr for each of the a[1] rows at a[0], each of which is its a[2] arguments. */
#define MVAS_OP_ROWS 16
/* Pulls what can be read of file a[0] for each of the a[2] rows at a[1]: address of the result,
 * offset, length. The length becomes what has been pulled: less if a page cannot be read. */
#define MVAS_OP_PREAD_ROWS 17
/* Sets options of socket a[0] (setsockopt(2)) by the table at a[1]: an int, how many there are; for
 * each its level, its name, the size of its value, and the value, padded to an int. With
 * MVAS_OPTION_TOLERATE in the size, failure is ignored. */
#define MVAS_OP_OPTIONS 18
#define MVAS_OPTION_TOLERATE 0x80000000u
/* Does the operations from offset a[3] up to MVAS_OP_END for each of the a[1] rows at a[0], each of
 * which has a[2] bytes. */
#define MVAS_OP_EACH 19
/* Makes the new io_uring a[0] what another was. It was set up by the io_uring_params at a[1], which
 * the kernel has filled in. a[2] requests that do nothing bring its counts to where they were; then
 * its rings get the a[4] bytes at a[3], and its submission entries those at a[5]. */
#define MVAS_OP_RING 20
/* Maps a[2] bytes at offset a[4] of file a[0] to address a[1], shared, with protection a[3]: an
 * io_uring is mapped only where the kernel chooses (Linux 6.4). All other free addresses are taken
 * meanwhile. */
#define MVAS_OP_MAP_AT 21
/* Fills a[2] bytes at a[0], a shared mapping of what is at offset a[4] of file a[3], with those at
 * a[1]: through the file, which takes half as long as a page fault for each page. What cannot be
 * written there is copied to the mapping; so a[3] may be no descriptor at all. */
#define MVAS_OP_FILL 22

struct mvas_op {
	unsigned int code;
	unsigned int flags;
	unsigned long long nr;
	unsigned long long a[6];
	unsigned long long slot;
	unsigned long long expect;
};

/*
 * Requests to a holder, one SOCK_SEQPACKET message each, answered by one struct mvas_reply.
 * Descriptors come along by SCM_RIGHTS.
 */
#define MVAS_REQUEST_MAGIC 0x5143564du /* "MVCQ" */

/* No arguments. value[0]: pid of the holder; value[1]: 1 when sealed; value[2]: number of forks. */
#define MVAS_REQUEST_STATUS 1
/* Moves code and stack to a[0], the start of a free range of MVAS_WORK_SIZE bytes. */
#define MVAS_REQUEST_MOVE 2
/* Runs the plan in descriptor 0, of a[0] bytes, mapped at a[1], from operation offset a[2]; other
 * descriptors fill slots from 0 on and are closed afterwards. value[0]: offset of the failed
 * operation (0: none). */
#define MVAS_REQUEST_RUN 3
/* No more RUN from now on. */
#define MVAS_REQUEST_SEAL 4
/* Forks, and joins the namespaces of descriptors 1 and so on before that, in order. a[0]:
 * MVAS_FORK_*. a[1]: the child's pid in its innermost pid namespace; 0: any. The child, a child of
 * the keeper, becomes a restorer on descriptor 0. value[0]: its pid. */
#define MVAS_REQUEST_FORK 5
/* Into the pid namespace that the forking process is in, not into a new one. */
#define MVAS_FORK_OUTSIDE 1
/* Into a new user namespace, whose maps are yet to be written. */
#define MVAS_FORK_USER 2
/* Ends the holder. */
#define MVAS_REQUEST_DROP 6
/* Forks a holder of another VAS, which has what this one has, and is not sealed, with a keeper of
 * its own. Descriptors: the control socket and the waiting socket, which listen, the keeper's end
 * of a lifeline, and this executable. value[0]: pid of the keeper; value[1]: pid of the new holder.
 */
#define MVAS_REQUEST_HEIR 7

/* The range that a holder and a restorer keep for themselves. */
#define MVAS_WORK_SIZE 0x40000000ull /* all of it */
#define MVAS_WORK_STACK 0x100000ull  /* the stack ends here */
#define MVAS_WORK_VDSO 0x140000ull   /* where the vDSO waits */
#define MVAS_WORK_PLAN 0x200000ull   /* where plans are mapped */

struct mvas_request {
	unsigned int magic;
	unsigned int op;
	unsigned long long a[4];
};

struct mvas_reply {
	long long result; /* 0 or more, or -errno */
	unsigned long long value[3];
};

/* To a restorer, with the plan as descriptor 0: like MVAS_REQUEST_RUN, but it does not answer; it
 * stops. */

/* To a keeper: asks for a child's exit. Answered once the child has exited, with the status as in
 * wait4(2), or -ECHILD if unknown. */
struct mvas_wait_request {
	unsigned int magic;
	int pid;
};

struct mvas_wait_reply {
	int pid;
	int status;
};

/*
 * To a keeper, on a connection of its own, with a descriptor: what to do with the descriptor if the
 * connection ends without a further byte, because its maker has died.
 */
#define MVAS_GUARD_MAGIC 0x4743564du /* "MVCG" */

/* Writes the bytes until the file begins with them (a freezer may have to be asked again). */
#define MVAS_GUARD_WRITE 1
/* Sets a socket's option to the bytes. */
#define MVAS_GUARD_OPTION 2

struct mvas_guard_request {
	unsigned int magic;
	unsigned int action;
	int level; /* of the option */
	int option;
	unsigned int size; /* of `bytes` */
	unsigned char bytes[12];
};

/*
 * To a keeper, on a connection of its own, with at most 253 descriptors: open sockets of a
 * container that is about to be killed. Answered with how many were taken, or let go (int). It
 * closes them at once if the connection ends without a further byte, and otherwise keeps them open
 * until it is asked to let go of all, or ends.
 */
#define MVAS_HOLD_MAGIC 0x4843564du /* "MVCH" */

#define MVAS_HOLD_TAKE 1
#define MVAS_HOLD_LET_GO 2

struct mvas_hold_request {
	unsigned int magic;
	unsigned int action;
};

/*
 * To a keeper, on a connection of its own: the command that it runs when a time has passed, or when
 * what a watch watches is deleted. With the bits of `with` as descriptors, in this order: an
 * instance of inotify that watches one thing for IN_DELETE_SELF, and a file cgroup.procs for the
 * command to enter. What an order does not bring stays as it was, except for the time. Answered
 * with 0 or -errno (int). The command is run again after MVAS_LIFE_RETRY_S, unless another order
 * has come by then. The keeper closes a watch that has seen the deletion; one whose file system has
 * been unmounted stays open.
 */
#define MVAS_LIFE_MAGIC 0x4c43564du /* "MVCL" */

#define MVAS_LIFE_WATCH 1
#define MVAS_LIFE_CGROUP 2

#define MVAS_LIFE_RETRY_S 60

struct mvas_life_request {
	unsigned int magic;
	unsigned int with;
	unsigned long long after; /* seconds, 0: never */
	unsigned int argc;        /* the first strings are arguments, the others the environment */
	unsigned int size;        /* of the strings, each with its end; 0: the command stays */
	char strings[2024];
};

#define MVAS_STATIC_ASSERT(claim) _Static_assert(claim, #claim)
#ifndef __cplusplus
MVAS_STATIC_ASSERT(sizeof(struct mvas_plan_header) == 64);
MVAS_STATIC_ASSERT(sizeof(struct mvas_op) == 80);
MVAS_STATIC_ASSERT(sizeof(struct mvas_request) == 40);
MVAS_STATIC_ASSERT(sizeof(struct mvas_reply) == 32);
MVAS_STATIC_ASSERT(sizeof(struct mvas_wait_request) == 8);
MVAS_STATIC_ASSERT(sizeof(struct mvas_wait_reply) == 8);
MVAS_STATIC_ASSERT(sizeof(struct mvas_guard_request) == 32);
MVAS_STATIC_ASSERT(sizeof(struct mvas_hold_request) == 8);
MVAS_STATIC_ASSERT(sizeof(struct mvas_life_request) == 2048);
#endif

#endif
