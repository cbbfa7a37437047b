/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter of plans; see mvas_abi.h. */
#include "plan.h"
#include "ring.h"
#include "../../kernel/include/uapi/mvas.h"

#define CLONE_THREAD_FLAGS 0x00050f00ul /* VM | FS | FILES | SIGHAND | THREAD | SYSVSEM */
#define PROT_READ_WRITE 3
#define MAP_SHARED_FIXED 0x11
#define SIGEVENT_TRIES 100000
#define TAKEN_TRIES 1000 /* some 1.1 s */
#define TAKEN_PAUSE_NS 1000000
#define CLOSE_ON_EXEC 02000000
#define SET_FLAGS 4 /* F_SETFL */
#define RLIMIT_FSIZE_ 1
#define OPEN_HOW_SIZE 24
#define MOST_ARGUMENTS 6

struct clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
		set_tid_size, cgroup;
};

static s64 *slots_of(struct mvas_plan_header *plan)
{
	return (s64 *)((u8 *)plan + MVAS_PLAN_SLOTS_OFFSET);
}

static u64 word_of(u64 row, u64 offset)
{
	return *(const u64 *)(row + offset);
}

static u64 argument(struct mvas_plan_header *plan, const struct mvas_op *op, u64 row, int i)
{
	if (op->flags & MVAS_OP_SLOT(i))
		return op->a[i] < plan->slots ? (u64)slots_of(plan)[op->a[i]] : 0;
	if (op->flags & MVAS_OP_OFFSET(i))
		return (u64)plan + op->a[i];
	if (op->flags & MVAS_OP_ROW_WORD(i))
		return word_of(row, op->a[i]);
	if (op->flags & MVAS_OP_ROW_ADDRESS(i))
		return row + op->a[i];
	return op->a[i];
}

static s64 pull(u64 pid, u64 to, u64 from, u64 length)
{
	while (length) {
		struct iov local = { (void *)to, length };
		struct iov remote = { (void *)from, length };
		s64 got = sys6(__NR_process_vm_readv, pid, ARG(&local), 1, ARG(&remote), 1, 0);

		if (got <= 0)
			return got ? got : -E_PROTO;
		to += (u64)got;
		from += (u64)got;
		length -= (u64)got;
	}
	return 0;
}

static s64 pull_file(u64 fd, u64 to, u64 offset, u64 length)
{
	while (length) {
		s64 got = sys4(__NR_pread64, fd, to, length, offset);

		if (got <= 0)
			return got ? got : -E_PROTO;
		to += (u64)got;
		offset += (u64)got;
		length -= (u64)got;
	}
	return 0;
}

static s64 pull_rows(u64 fd, u64 *row, u64 count)
{
	for (; count > 0; count--, row += 3) {
		u64 done = 0;
		s64 got = 1;

		while (got > 0 && done < row[2]) {
			got = sys4(__NR_pread64, fd, row[0] + done, row[2] - done, row[1] + done);
			if (got > 0)
				done += (u64)got;
		}
		row[2] = done;
	}
	return 0;
}

static s64 pull_vas(u64 device, u64 to, u64 from, u64 length, u64 id)
{
	while (length) {
		struct mvas_read args;
		s64 result;

		zero(&args, sizeof(args));
		args.size = sizeof(args);
		args.id = (u32)id;
		args.address = from;
		args.length = length;
		args.buffer = to;
		result = sys3(__NR_ioctl, device, MVAS_READ, &args);
		if (result < 0 || !args.done)
			return result < 0 ? result : -E_PROTO;
		to += args.done;
		from += args.done;
		length -= args.done;
	}
	return 0;
}

static s64 write_all(u64 fd, u64 from, u64 length)
{
	while (length) {
		s64 got = sys3(__NR_write, fd, from, length);

		if (got <= 0)
			return got ? got : -E_PROTO;
		from += (u64)got;
		length -= (u64)got;
	}
	return 0;
}

/* Gives a descriptor another number, close-on-exec; an errno stays as it is. */
static s64 move_descriptor(s64 fd, u64 number)
{
	s64 result;

	if (fd < 0)
		return fd;
	result = sys3(__NR_dup3, fd, number, CLOSE_ON_EXEC);
	sys1(__NR_close, fd);
	return result;
}

/* A limit of the size of files would apply, and a signal tell of it. */
static int may_write_files(void)
{
	u64 limit[2];

	return sys4(__NR_prlimit64, 0, RLIMIT_FSIZE_, 0, limit) == 0 && limit[0] == (u64)-1;
}

static void fill(u64 to, u64 from, u64 length, u64 fd, u64 offset)
{
	u64 done = 0;
	s64 got = may_write_files();

	while (got > 0 && done < length) {
		got = sys4(__NR_pwrite64, fd, from + done, length - done, offset + done);
		if (got > 0)
			done += (u64)got;
	}
	copy((void *)(to + done), (const void *)(from + done), length - done);
}

static s64 open_path(const u64 *a)
{
	s64 result = sys4(__NR_openat2, a[0], a[1], a[2], OPEN_HOW_SIZE);

	result = move_descriptor(result, a[3]);
	if (result >= 0 && a[4] != (u64)-1)
		result = sys3(__NR_fcntl, a[3], SET_FLAGS, a[4]);
	if (result >= 0 && a[5])
		result = sys2(__NR_fstat, a[3], a[5]);
	return result;
}

/* `row` is left at the one that failed. */
static s64 run_rows(u64 nr, u64 count, u64 width, const u64 **row)
{
	u64 a[MOST_ARGUMENTS] = { 0 };

	if (width > MOST_ARGUMENTS)
		return -E_INVAL;
	for (; count > 0; count--, *row += width) {
		s64 result;

		copy(a, *row, width * sizeof(*a));
		result = sys6(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (result < 0 && result >= -4095)
			return result;
	}
	return 0;
}

/* `entry` is left at the one that failed. */
static s64 set_options(u64 socket, const u32 **entry)
{
	for (u32 count = *(*entry)++; count > 0; count--) {
		const u32 *head = *entry;
		u64 size = head[2] & ~MVAS_OPTION_TOLERATE;
		s64 result =
			sys6(__NR_setsockopt, socket, head[0], head[1], ARG(head + 3), size, 0);

		if (result < 0 && !(head[2] & MVAS_OPTION_TOLERATE))
			return result;
		*entry += 3 + (size + 3) / 4;
	}
	return 0;
}

static s64 drain_signals(u64 mask)
{
	u64 none[2] = { 0, 0 };
	s64 got;

	do
		got = sys4(__NR_rt_sigtimedwait, mask, 0, none, 8);
	while (got > 0 || got == -E_INTR);
	return got == -E_AGAIN ? 0 : got;
}

/* Kernels before 6.15 number timers in order: create and delete until the wanted id comes. */
static s64 make_timer(u64 clock, u64 event, u64 wanted)
{
	for (int tries = 0; tries < SIGEVENT_TRIES; tries++) {
		int id = 0;
		s64 result = sys3(__NR_timer_create, clock, event, &id);

		if (result < 0 || (u64)id == wanted)
			return result;
		sys1(__NR_timer_delete, id);
		if ((u64)id > wanted)
			return -E_INVAL;
	}
	return -E_AGAIN;
}

/*
 * Whether to try once more, after a pause, where an id was taken: in a pid namespace that others
 * share, whoever has it may be about to end.
 */
static int is_taken_for_now(s64 result, int *tries)
{
	const s64 pause[] = { 0, TAKEN_PAUSE_NS };

	if (result != -E_EXIST || (*tries)++ == TAKEN_TRIES)
		return 0;
	sys2(__NR_nanosleep, pause, 0);
	return 1;
}

_Noreturn void thread_main(struct mvas_plan_header *plan, u64 offset);
_Noreturn void thread_main(struct mvas_plan_header *plan, u64 offset)
{
	run_plan(plan, offset);
	crash(); /* a restorer's sequence ends at a stop, never here */
}

/* Begins a task that has a pid, or a tid, continues at an operation, and has a stack that ends at
 * an address. */
static s64 begin(struct mvas_plan_header *plan, u64 id, u64 offset, u64 stack_end,
		 struct clone_args *args)
{
	int number = (int)id, tries = 0;
	s64 result;

	args->stack = stack_end - MVAS_PLAN_STACK;
	args->stack_size = MVAS_PLAN_STACK;
	args->set_tid = ARG(&number);
	args->set_tid_size = 1;
	do
		result = clone_thread_main(__NR_clone3, args, sizeof(*args), plan, offset);
	while (is_taken_for_now(result, &tries));
	return result;
}

static s64 fork_child(struct mvas_plan_header *plan, const u64 *a)
{
	struct clone_args args;

	zero(&args, sizeof(args));
	args.flags = a[2];
	args.exit_signal = a[3];
	return begin(plan, a[0], a[1], a[4], &args);
}

static s64 make_thread(struct mvas_plan_header *plan, const u64 *a)
{
	struct clone_args args;

	zero(&args, sizeof(args));
	args.flags = CLONE_THREAD_FLAGS;
	return begin(plan, a[0], a[1], a[2], &args);
}

/* `at` is where the plan is, for a failure. */
static s64 execute(struct mvas_plan_header *plan, const struct mvas_op *op, const u64 *a, u64 *at)
{
	const u64 *row;
	const u32 *entry;
	s64 result;

	switch (op->code) {
	case MVAS_OP_SYSCALL:
		return sys6(op->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	case MVAS_OP_COPY:
		copy((void *)a[0], (const void *)a[1], a[2]);
		return 0;
	case MVAS_OP_PULL:
		return pull(a[0], a[1], a[2], a[3]);
	case MVAS_OP_PREAD:
		return pull_file(a[0], a[1], a[2], a[3]);
	case MVAS_OP_READ_VAS:
		return pull_vas(a[0], a[1], a[2], a[3], a[4]);
	case MVAS_OP_WRITE:
		return write_all(a[0], a[1], a[2]);
	case MVAS_OP_FORK:
		return fork_child(plan, a);
	case MVAS_OP_THREAD:
		return make_thread(plan, a);
	case MVAS_OP_STOP:
		breakpoint();
		return 0;
	case MVAS_OP_TIMER:
		return make_timer(a[0], a[1], a[2]);
	case MVAS_OP_POKE:
		*(volatile u64 *)a[0] = a[1];
		return 0;
	case MVAS_OP_DRAIN_SIGNALS:
		return drain_signals(a[0]);
	case MVAS_OP_OPEN:
		return open_path(a);
	case MVAS_OP_MOVE_FROM:
		return move_descriptor(*(const int *)a[0], a[1]);
	case MVAS_OP_ROWS:
		row = (const u64 *)a[0];
		result = run_rows(op->nr, a[1], a[2], &row);
		if (result < 0)
			*at = ARG(row) - ARG(plan);
		return result;
	case MVAS_OP_OPTIONS:
		entry = (const u32 *)a[1];
		result = set_options(a[0], &entry);
		if (result < 0)
			*at = ARG(entry) - ARG(plan);
		return result;
	case MVAS_OP_RING:
		return make_ring(a[0], (const struct io_uring_params *)a[1], (u32)a[2],
				 (const u8 *)a[3], a[4], (const u8 *)a[5]);
	case MVAS_OP_MAP_AT:
		return map_at(a[0], a[1], a[2], a[3], a[4]);
	case MVAS_OP_FILL:
		fill(a[0], a[1], a[2], a[3], a[4]);
		return 0;
	case MVAS_OP_PREAD_ROWS:
		return pull_rows(a[0], (u64 *)a[1], a[2]);
	default:
		return -E_INVAL;
	}
}

static int acceptable(const struct mvas_op *op, u64 row, s64 result)
{
	if (op->flags & MVAS_OP_TOLERATE)
		return 1;
	if (op->flags & MVAS_OP_ROW_EXPECT)
		return (u64)result == word_of(row, op->expect);
	if (op->flags & MVAS_OP_EXPECT)
		return (u64)result == op->expect;
	return result >= 0 || result < -4095;
}

static int run(struct mvas_plan_header *plan, u64 offset, u64 row);

/* `a`: rows, their number, their size, operations. */
static int run_each(struct mvas_plan_header *plan, const u64 *a)
{
	for (u64 i = 0; i < a[1]; i++) {
		u64 row = a[0] + i * a[2];

		if (run(plan, a[3], row) < 0) {
			plan->failed_row = row - ARG(plan);
			return -1;
		}
	}
	return 0;
}

/* Up to MVAS_OP_END, for a row if `row` is not 0. */
static int run(struct mvas_plan_header *plan, u64 offset, u64 row)
{
	for (;;) {
		const struct mvas_op *op = (const struct mvas_op *)((u8 *)plan + offset);
		u64 at = offset;
		u64 next = offset + sizeof(*op);
		u64 a[MOST_ARGUMENTS];
		s64 result;

		if (next > plan->size)
			return -1;
		if (op->code == MVAS_OP_END)
			return 0;
		for (int i = 0; i < MOST_ARGUMENTS; i++)
			a[i] = argument(plan, op, row, i);
		if (op->code == MVAS_OP_EACH) {
			if (run_each(plan, a) < 0)
				return -1;
			offset = next;
			continue;
		}
		result = execute(plan, op, a, &at);
		if (op->flags & MVAS_OP_MOVE)
			result = move_descriptor(result, op->flags & MVAS_OP_ROW_MOVE
								 ? word_of(row, op->slot)
								 : op->slot);
		if ((op->flags & MVAS_OP_STORE) && op->slot < plan->slots)
			slots_of(plan)[op->slot] = result;
		if (!acceptable(op, row, result)) {
			plan->failed_result = result;
			plan->failed = at;
			return -1;
		}
		offset = next;
	}
}

int run_plan(struct mvas_plan_header *plan, u64 offset)
{
	return run(plan, offset, 0);
}

struct mvas_plan_header *map_plan(const struct mvas_request *request, const int *fds, int count)
{
	struct mvas_plan_header *plan;
	s64 mapped;

	if (count < 1)
		return 0;
	mapped = sys6(__NR_mmap, request->a[1], request->a[0], PROT_READ_WRITE, MAP_SHARED_FIXED,
		      ARG(fds[0]), 0);
	sys1(__NR_close, fds[0]);
	if (mapped < 0 && mapped >= -4095)
		return 0;
	plan = (struct mvas_plan_header *)mapped;
	if (plan->magic != MVAS_PLAN_MAGIC || plan->size > request->a[0] ||
	    (u64)count > plan->slots + 1)
		return 0;
	for (int i = 1; i < count; i++)
		slots_of(plan)[i - 1] = fds[i];
	return plan;
}
