/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: parent of the holder and of every init restored from it (they are forked with
 * CLONE_PARENT). It reaps them at once, which runc's delete relies on, and reports on request how
 * they ended. The death of a holder ends none of them. The keeper ends when it has no child left
 * and nobody waits.
 *
 * The engine that fills the holder holds the other end of a lifeline: if that is closed before a
 * byte has come, nobody will ever complete the VAS, and the keeper ends the holder.
 *
 * As long as there is a holder, the keeper runs a command when it has been ordered to (life.c).
 */
#include "../include/mvas_abi.h"
#include "holder.h"
#include "life.h"
#include "sys.h"

#define POLLIN_ 1
#define MAX_WAITERS 500
#define MAX_EXITS 512
#define SOCK_CLOEXEC_ 02000000
#define MSG_NOSIGNAL_ 0x4000
#define WNOHANG_ 1
#define WALL_ 0x40000000
#define E_CHILD 10
#define SIGCHLD_MASK (1ul << 16)
#define LINGER_MS 5000
#define MAX_WRITES 200
#define PR_SET_NAME_ 15
#define SIGKILL_ 9
#define RLIMIT_NOFILE_ 7
#define MAX_HELD 4096

/* The first entries of `poll`; waiting clients come after these. */
enum { SIGNALS, LISTENER, LIFELINE, TIMER, WATCH, FIRST_WAITER };

struct poll_fd {
	int fd;
	short events, revents;
};

/* A descriptor that is kept open, and the client that has yet to confirm it; 0: none has to. */
struct held {
	int fd, client;
};

struct keeper {
	struct poll_fd poll[FIRST_WAITER + MAX_WAITERS];
	int wanted[FIRST_WAITER + MAX_WAITERS]; /* the pid that each waits for; 0: not known yet */
	/* A descriptor, 0: none; and what to do with it if they hang up. */
	int guards[FIRST_WAITER + MAX_WAITERS];
	struct mvas_guard_request orders[FIRST_WAITER + MAX_WAITERS];
	int holder;
	int waiters;
	int guarding;
	struct mvas_wait_reply exits[MAX_EXITS]; /* a ring; pid 0: free */
	u32 next_exit;
	int childless;
	struct held held[MAX_HELD];
	int holding;
	struct life life;
};

static void drop(struct keeper *keeper, int index)
{
	int last = FIRST_WAITER - 1 + keeper->waiters;

	sys1(__NR_close, keeper->poll[index].fd);
	keeper->poll[index] = keeper->poll[last];
	keeper->wanted[index] = keeper->wanted[last];
	keeper->guards[index] = keeper->guards[last];
	keeper->orders[index] = keeper->orders[last];
	keeper->waiters--;
}

static void tell(struct keeper *keeper, int index, int pid, int status)
{
	struct mvas_wait_reply reply = { pid, status };

	sys6(__NR_sendto, ARG(keeper->poll[index].fd), ARG(&reply), sizeof(reply), MSG_NOSIGNAL_, 0,
	     0);
	drop(keeper, index);
}

static int is_child(int pid)
{
	u8 info[128];

	/* WEXITED | WNOHANG | WNOWAIT of P_PID: -ECHILD if it is not our child. */
	return sys6(__NR_waitid, 1, ARG(pid), ARG(info), 0x1000005 | WALL_, 0, 0) == 0;
}

/* Once the holder has ended, there is nothing left to decide. */
static void run_command(struct keeper *keeper)
{
	if (is_child(keeper->holder))
		life_run(&keeper->life);
}

static void reap(struct keeper *keeper)
{
	for (;;) {
		int status = 0;
		int told = 0;
		s64 pid = sys4(__NR_wait4, -1, &status, WNOHANG_ | WALL_, 0);

		if (pid <= 0) {
			keeper->childless = pid == -E_CHILD;
			return;
		}
		if (life_reaped(&keeper->life, (int)pid)) {
			if (keeper->life.is_due)
				run_command(keeper);
			continue;
		}
		for (int i = FIRST_WAITER - 1 + keeper->waiters; i >= FIRST_WAITER; i--) {
			if (keeper->wanted[i] == (int)pid) {
				tell(keeper, i, (int)pid, status);
				told = 1;
			}
		}
		if (!told) {
			keeper->exits[keeper->next_exit % MAX_EXITS] =
				(struct mvas_wait_reply){ (int)pid, status };
			keeper->next_exit++;
		}
	}
}

/* The status of the last child with that pid whose exit was not requested, or -ECHILD. */
static int last_exit(struct keeper *keeper, int pid)
{
	for (u32 age = 1; age <= MAX_EXITS; age++) {
		struct mvas_wait_reply *exit =
			&keeper->exits[(keeper->next_exit - age) % MAX_EXITS];

		if (exit->pid == pid) {
			exit->pid = 0;
			return exit->status;
		}
	}
	return -E_CHILD;
}

static int is_same(const u8 *one, const u8 *other, u32 size)
{
	u32 at = 0;

	while (at < size && one[at] == other[at])
		at++;
	return at == size;
}

/* A v1 freezer can hang half frozen until it is asked again (kernel
 * cgroup-v1/freezer-subsystem.rst). Once it says anything else, it is frozen, or somebody has
 * thawed it since, whom it is left to. */
static void write_until_read(int file, const struct mvas_guard_request *order)
{
	u8 first[sizeof(order->bytes)] = { 0 };
	u8 found[sizeof(order->bytes)] = { 0 };

	sys4(__NR_pwrite64, file, order->bytes, order->size, 0);
	sys4(__NR_pread64, file, first, order->size, 0);
	if (is_same(first, order->bytes, order->size))
		return;
	for (int i = 1; i < MAX_WRITES; i++) {
		sys3(__NR_poll, 0, 0, 1);
		sys4(__NR_pread64, file, found, order->size, 0);
		if (!is_same(found, first, order->size))
			return;
		sys4(__NR_pwrite64, file, order->bytes, order->size, 0);
	}
}

static void carry_out(int fd, const struct mvas_guard_request *order)
{
	if (order->action == MVAS_GUARD_WRITE)
		write_until_read(fd, order);
	else
		sys6(__NR_setsockopt, ARG(fd), ARG(order->level), ARG(order->option),
		     ARG(order->bytes), order->size, 0);
}

static int is_guard(const struct mvas_guard_request *order, s64 got, int fds)
{
	return got == sizeof(*order) && order->magic == MVAS_GUARD_MAGIC && fds == 1 &&
	       order->size <= sizeof(order->bytes);
}

static void end_guard(struct keeper *keeper, int index)
{
	u8 word[8];
	int fd = keeper->guards[index];

	if (sys6(__NR_recvfrom, ARG(keeper->poll[index].fd), ARG(word), sizeof(word), 0, 0, 0) <= 0)
		carry_out(fd, &keeper->orders[index]);
	sys1(__NR_close, fd);
	keeper->guarding--;
	drop(keeper, index);
}

static void hold(struct keeper *keeper, int client, const int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		if (keeper->holding < MAX_HELD)
			keeper->held[keeper->holding++] = (struct held){ fds[i], client };
		else
			sys1(__NR_close, fds[i]);
	}
}

/* Closes all that a client has not confirmed; those of client 0 have been. */
static void let_go(struct keeper *keeper, int client)
{
	int kept = 0;

	for (int i = 0; i < keeper->holding; i++) {
		if (keeper->held[i].client == client)
			sys1(__NR_close, keeper->held[i].fd);
		else
			keeper->held[kept++] = keeper->held[i];
	}
	keeper->holding = kept;
}

static int is_holding(const struct keeper *keeper, int client)
{
	for (int i = 0; i < keeper->holding; i++)
		if (keeper->held[i].client == client)
			return 1;
	return 0;
}

static void end_holding(struct keeper *keeper, int index)
{
	u8 byte;
	int client = keeper->poll[index].fd;

	if (sys6(__NR_recvfrom, ARG(client), ARG(&byte), 1, 0, 0, 0) == 1) {
		for (int i = 0; i < keeper->holding; i++)
			if (keeper->held[i].client == client)
				keeper->held[i].client = 0;
	} else {
		let_go(keeper, client);
	}
	drop(keeper, index);
}

static int is_hold(const struct mvas_hold_request *request, s64 got)
{
	return got == sizeof(*request) && request->magic == MVAS_HOLD_MAGIC;
}

/* Answered with how many were taken, or let go. */
static void read_hold(struct keeper *keeper, int index, u32 action, const int *fds, int count)
{
	int client = keeper->poll[index].fd;
	int change = keeper->holding;

	if (action == MVAS_HOLD_TAKE) {
		hold(keeper, client, fds, count);
		change = keeper->holding - change;
	} else {
		for (int i = 0; i < count; i++)
			sys1(__NR_close, fds[i]);
		let_go(keeper, 0);
		change -= keeper->holding;
	}
	sys6(__NR_sendto, ARG(client), ARG(&change), sizeof(change), MSG_NOSIGNAL_, 0, 0);
	if (!is_holding(keeper, client))
		drop(keeper, index);
}

/* Answered with 0 or -errno. */
static void read_life(struct keeper *keeper, int index, const struct mvas_life_request *request,
		      s64 got, const int *fds, int count)
{
	int result = life_order(&keeper->life, request, got, fds, count);

	keeper->poll[WATCH].fd = keeper->life.watch;
	sys6(__NR_sendto, ARG(keeper->poll[index].fd), ARG(&result), sizeof(result), MSG_NOSIGNAL_,
	     0, 0);
	drop(keeper, index);
}

static void read_wish(struct keeper *keeper, int index)
{
	union {
		struct mvas_wait_request wait;
		struct mvas_guard_request guard;
		struct mvas_hold_request hold;
		struct mvas_life_request life;
	} request;
	int fds[MAX_FDS];
	int count;
	s64 got;

	if (keeper->guards[index]) {
		end_guard(keeper, index);
		return;
	}
	if (is_holding(keeper, keeper->poll[index].fd)) {
		end_holding(keeper, index);
		return;
	}
	got = receive(keeper->poll[index].fd, &request, sizeof(request), fds, &count);
	if (is_guard(&request.guard, got, count)) {
		keeper->guards[index] = fds[0];
		keeper->orders[index] = request.guard;
		keeper->guarding++;
		return;
	}
	if (is_hold(&request.hold, got)) {
		read_hold(keeper, index, request.hold.action, fds, count);
		return;
	}
	if (got >= (s64)sizeof(request.wait) && request.wait.magic == MVAS_LIFE_MAGIC) {
		read_life(keeper, index, &request.life, got, fds, count);
		return;
	}
	for (int i = 0; i < count; i++)
		sys1(__NR_close, fds[i]);
	if (got != sizeof(request.wait) || request.wait.magic != MVAS_REQUEST_MAGIC ||
	    request.wait.pid <= 0) {
		drop(keeper, index);
		return;
	}
	/* Pids are reused: an exit with the pid of a living child was another process's. */
	if (is_child(request.wait.pid))
		keeper->wanted[index] = request.wait.pid;
	else
		tell(keeper, index, request.wait.pid, last_exit(keeper, request.wait.pid));
}

static void admit(struct keeper *keeper)
{
	s64 sock = sys4(__NR_accept4, keeper->poll[LISTENER].fd, 0, 0, SOCK_CLOEXEC_);

	if (sock < 0)
		return;
	if (keeper->waiters == MAX_WAITERS) {
		sys1(__NR_close, sock);
		return;
	}
	keeper->poll[FIRST_WAITER + keeper->waiters] = (struct poll_fd){ (int)sock, POLLIN_, 0 };
	keeper->wanted[FIRST_WAITER + keeper->waiters] = 0;
	keeper->guards[FIRST_WAITER + keeper->waiters] = 0;
	keeper->waiters++;
}

/* While a VAS is not complete, no other child can have the holder's pid. */
static void end_lifeline(struct keeper *keeper)
{
	u8 byte;

	if (sys3(__NR_read, keeper->poll[LIFELINE].fd, &byte, 1) != 1 && is_child(keeper->holder))
		sys2(__NR_kill, keeper->holder, SIGKILL_);
	sys1(__NR_close, keeper->poll[LIFELINE].fd);
	keeper->poll[LIFELINE].fd = -1; /* ignored by poll */
}

static void look_after_life(struct keeper *keeper)
{
	if (keeper->poll[TIMER].revents) {
		life_due(&keeper->life);
		run_command(keeper);
	}
	if (keeper->poll[WATCH].revents) {
		if (life_look(&keeper->life))
			run_command(keeper);
		keeper->poll[WATCH].fd = keeper->life.watch; /* -1 is ignored by poll */
	}
}

static _Noreturn void keep(struct keeper *keeper)
{
	for (;;) {
		s64 ready = sys3(__NR_poll, keeper->poll, FIRST_WAITER + keeper->waiters,
				 keeper->childless && !keeper->guarding ? LINGER_MS : -1);

		if (ready == 0 && keeper->childless && !keeper->guarding)
			leave(0);
		if (ready <= 0)
			continue;
		if (keeper->poll[LIFELINE].revents)
			end_lifeline(keeper);
		if (keeper->poll[SIGNALS].revents) {
			u8 info[128];

			sys3(__NR_read, keeper->poll[SIGNALS].fd, info, sizeof(info));
			reap(keeper);
		}
		look_after_life(keeper);
		for (int i = FIRST_WAITER - 1 + keeper->waiters; i >= FIRST_WAITER; i--)
			if (keeper->poll[i].revents)
				read_wish(keeper, i);
		if (keeper->poll[LISTENER].revents)
			admit(keeper);
	}
}

_Noreturn void keeper_main(int listening, int lifeline, int holder)
{
	struct keeper keeper;
	u64 mask = SIGCHLD_MASK;
	u64 limit[2]; /* struct rlimit64 */

	if (sys4(__NR_prlimit64, 0, RLIMIT_NOFILE_, 0, limit) == 0) {
		limit[0] = limit[1];
		sys4(__NR_prlimit64, 0, RLIMIT_NOFILE_, limit, 0);
	}
	zero(&keeper, sizeof(keeper));
	keeper.poll[SIGNALS] =
		(struct poll_fd){ (int)sys4(__NR_signalfd4, -1, &mask, sizeof(mask), SOCK_CLOEXEC_),
				  POLLIN_, 0 };
	keeper.poll[LISTENER] = (struct poll_fd){ listening, POLLIN_, 0 };
	keeper.poll[LIFELINE] = (struct poll_fd){ lifeline, POLLIN_, 0 };
	keeper.holder = holder;
	life_begin(&keeper.life);
	keeper.poll[TIMER] = (struct poll_fd){ keeper.life.timer, POLLIN_, 0 };
	keeper.poll[WATCH] = (struct poll_fd){ -1, POLLIN_, 0 };
	sys2(__NR_prctl, PR_SET_NAME_, "mvas-keeper");
	reap(&keeper);
	keep(&keeper);
}
