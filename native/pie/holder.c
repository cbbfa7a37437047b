/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holder: a process whose address space is a VAS. It serves its control socket, one request at
 * a time, runs the plans that fill it, and forks. It opens no path and executes none of what it
 * holds.
 */
#include "clone.h"
#include "heir.h"
#include "holder.h"
#include "plan.h"

#define POLLIN_ 1
#define MAX_CONNECTIONS 30
#define SOCK_CLOEXEC_ 02000000
#define PROT_READ_WRITE 3
#define PROT_READ_EXEC 5
#define MAP_FIXED_NEW 0x100022  /* PRIVATE | ANONYMOUS | FIXED_NOREPLACE */
#define MAP_SHARED_NEW 0x100021 /* SHARED | ANONYMOUS | FIXED_NOREPLACE */
#define MADV_DONTFORK_ 10
#define MSG_NOSIGNAL_ 0x4000
#define PR_SET_NAME_ 15
#define STACK_SIZE 0x80000ul

extern u8 mvas_image_start[], mvas_image_end[];

struct poll_fd {
	int fd;
	short events, revents;
};

struct holder {
	struct poll_fd poll[1 + MAX_CONNECTIONS]; /* 0: the listening socket */
	int connections;
	int sealed;
	u64 forks;
	u64 base; /* where the work range starts; 0: not moved yet */
};

_Noreturn void holder_loop(struct holder *holder);

static void answer(int sock, s64 result, u64 first, u64 second, u64 third)
{
	struct mvas_reply reply = { result, { first, second, third } };

	sys6(__NR_sendto, ARG(sock), ARG(&reply), sizeof(reply), MSG_NOSIGNAL_, 0, 0);
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		sys1(__NR_close, fds[i]);
}

static void run(struct holder *holder, int sock, const struct mvas_request *request, int *fds,
		int count)
{
	struct mvas_plan_header *plan;
	u64 failed;
	s64 result;

	if (holder->sealed) {
		close_all(fds, count);
		answer(sock, -E_PERM, 0, 0, 0);
		return;
	}
	plan = map_plan(request, fds, count);
	if (!plan) {
		close_all(fds + 1, count - 1);
		answer(sock, -E_INVAL, 0, 0, 0);
		return;
	}
	result = run_plan(plan, request->a[2]) ? plan->failed_result : 0;
	failed = plan->failed;
	sys2(__NR_munmap, plan, request->a[0]);
	close_all(fds + 1, count - 1);
	answer(sock, result, failed, 0, 0);
}

/*
 * The child of a fork: waits for its plan on descriptor 0, and lives by it. What it forks has
 * stacks in the plan.
 */
static _Noreturn void restore(int sock, u64 base)
{
	struct mvas_request request;
	struct mvas_plan_header *plan;
	int fds[MAX_FDS];
	int count;

	sys3(__NR_dup3, sock, 0, SOCK_CLOEXEC_);
	sys3(__NR_close_range, 1, ~0u, 0);
	sys2(__NR_prctl, PR_SET_NAME_, "mvas-restorer");
	sys3(__NR_madvise, base + MVAS_WORK_STACK - STACK_SIZE, STACK_SIZE, MADV_DONTFORK_);
	if (receive(0, &request, sizeof(request), fds, &count) != sizeof(request))
		leave(1);
	plan = map_plan(&request, fds, count);
	sys1(__NR_close, 0);
	if (!plan)
		leave(2);
	run_plan(plan, request.a[2]);
	crash(); /* the tracer finds the failed operation in the plan */
}

/*
 * Runs in a process between, which shares the holder's memory while that waits (vfork(2)): the
 * holder itself stays where it is. `result` is the child's pid as the host sees it.
 */
static __attribute__((noinline)) _Noreturn void fork_from_within(struct clone3_args *args,
								 const int *fds, int count,
								 u64 base, volatile s64 *result)
{
	s64 done = 0;

	for (int i = 1; i < count && done >= 0; i++)
		done = sys2(__NR_setns, fds[i], 0);
	if (done >= 0) {
		done = sys2(__NR_clone3, args, sizeof(*args));
		if (done == 0)
			restore(fds[0], base);
	}
	*result = done;
	leave(0);
}

static void fork_into(struct holder *holder, int sock, const struct mvas_request *request, int *fds,
		      int count)
{
	const u64 flags = request->a[0];
	int number = (int)request->a[1];
	struct clone3_args args;
	volatile s64 child = 0;

	if (count < 1) {
		answer(sock, -E_INVAL, 0, 0, 0);
		return;
	}
	zero(&args, sizeof(args));
	args.flags = CLONE_PARENT_;
	if (!(flags & MVAS_FORK_OUTSIDE))
		args.flags |= CLONE_NEWPID_;
	if (flags & MVAS_FORK_USER)
		args.flags |= CLONE_NEWUSER_;
	if (number) {
		args.set_tid = ARG(&number);
		args.set_tid_size = 1;
	}
	if (count == 1) {
		child = sys2(__NR_clone3, &args, sizeof(args));
		if (child == 0)
			restore(fds[0], holder->base);
	} else {
		struct clone3_args between;
		s64 pid;

		zero(&between, sizeof(between));
		between.flags = CLONE_PARENT_ | CLONE_VM_ | CLONE_VFORK_;
		pid = sys2(__NR_clone3, &between, sizeof(between));
		if (pid == 0)
			fork_from_within(&args, fds, count, holder->base, &child);
		if (pid < 0)
			child = pid;
	}
	close_all(fds, count);
	holder->forks += child > 0;
	answer(sock, child < 0 ? child : 0, (u64)child, 0, 0);
}

/* Serves its new socket, with as much stack left as it had at first. */
static void begin_anew(void *argument)
{
	struct holder *holder = argument;

	holder->connections = 0;
	holder->sealed = 0;
	holder->forks = 0;
	holder->poll[0].fd = CONTROL_SOCKET;
	call_on_stack((u64)holder - 64, (u64)holder_loop, holder);
}

static void make_heir(struct holder *holder, int sock, const int *fds, int count)
{
	struct heir heir = { 0, 0 };
	s64 result = -E_INVAL;

	if (holder->base && count == 4)
		result = fork_heir(fds, &heir, begin_anew, holder);
	close_all(fds, count);
	answer(sock, result, (u64)heir.keeper, (u64)heir.holder, 0);
}

/*
 * Continues in a copy of the code, on a stack of its own, both in the new work range. The code is
 * shared memory: of what is private, the kernel keeps a record for each process that has it, and
 * for each above that (anon_vma_clone in mm/rmap.c).
 */
static _Noreturn void move(struct holder *holder, int sock, u64 base)
{
	const u64 length = (u64)(mvas_image_end - mvas_image_start);
	u8 *code = (u8 *)sys6(__NR_mmap, base, length, PROT_READ_WRITE, MAP_SHARED_NEW, ~0ul, 0);
	u64 stack = base + MVAS_WORK_STACK;
	struct holder *moved = (struct holder *)(stack - sizeof(*moved) - 64);
	s64 mapped = sys6(__NR_mmap, stack - STACK_SIZE, STACK_SIZE, PROT_READ_WRITE, MAP_FIXED_NEW,
			  ~0ul, 0);
	u64 entry;

	if (ARG(code) != base || mapped != (s64)(stack - STACK_SIZE)) {
		answer(sock, ARG(code) != base ? (s64)code : mapped, 0, 0, 0);
		holder_loop(holder);
	}
	copy(code, mvas_image_start, length);
	sys3(__NR_mprotect, code, length, PROT_READ_EXEC);
	copy(moved, holder, sizeof(*moved));
	moved->base = base;
	entry = base + (u64)((u8 *)holder_loop - mvas_image_start);
	answer(sock, 0, 0, 0, 0);
	call_on_stack((u64)moved - 64, entry, moved);
}

static void serve(struct holder *holder, int sock, const struct mvas_request *request, int *fds,
		  int count)
{
	switch (request->op) {
	case MVAS_REQUEST_STATUS:
		answer(sock, 0, (u64)sys1(__NR_getpid, 0), (u64)holder->sealed, holder->forks);
		break;
	case MVAS_REQUEST_MOVE:
		if (holder->base)
			answer(sock, -E_PERM, 0, 0, 0);
		else
			move(holder, sock, request->a[0]);
		break;
	case MVAS_REQUEST_RUN:
		run(holder, sock, request, fds, count);
		return;
	case MVAS_REQUEST_SEAL:
		holder->sealed = 1;
		answer(sock, 0, 0, 0, 0);
		break;
	case MVAS_REQUEST_FORK:
		fork_into(holder, sock, request, fds, count);
		return;
	case MVAS_REQUEST_HEIR:
		make_heir(holder, sock, fds, count);
		return;
	case MVAS_REQUEST_DROP:
		answer(sock, 0, 0, 0, 0);
		leave(0);
	default:
		answer(sock, -E_INVAL, 0, 0, 0);
	}
	close_all(fds, count);
}

static void drop_connection(struct holder *holder, int index)
{
	sys1(__NR_close, holder->poll[index].fd);
	holder->poll[index] = holder->poll[holder->connections];
	holder->connections--;
}

static void read_request(struct holder *holder, int index)
{
	struct mvas_request request;
	int fds[MAX_FDS];
	int count;
	int sock = holder->poll[index].fd;
	s64 got = receive(sock, &request, sizeof(request), fds, &count);

	if (got <= 0) {
		drop_connection(holder, index);
	} else if (got != sizeof(request) || request.magic != MVAS_REQUEST_MAGIC) {
		close_all(fds, count);
		answer(sock, -E_PROTO, 0, 0, 0);
	} else {
		serve(holder, sock, &request, fds, count);
	}
}

_Noreturn void holder_loop(struct holder *holder)
{
	for (;;) {
		s64 ready = sys3(__NR_poll, holder->poll, 1 + holder->connections, -1);

		if (ready <= 0)
			continue;
		for (int i = holder->connections; i > 0; i--)
			if (holder->poll[i].revents)
				read_request(holder, i);
		if (holder->poll[0].revents && holder->connections < MAX_CONNECTIONS) {
			s64 sock = sys4(__NR_accept4, holder->poll[0].fd, 0, 0, SOCK_CLOEXEC_);

			if (sock >= 0) {
				holder->connections++;
				holder->poll[holder->connections] =
					(struct poll_fd){ (int)sock, POLLIN_, 0 };
			}
		}
	}
}

_Noreturn void holder_main(int listening)
{
	struct holder holder;

	zero(&holder, sizeof(holder));
	holder.poll[0].fd = listening;
	holder.poll[0].events = POLLIN_;
	sys2(__NR_prctl, PR_SET_NAME_, "mvas-holder");
	holder_loop(&holder);
}
