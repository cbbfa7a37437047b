/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: parent of the holder and of every init restored from it (they are forked with
 * CLONE_PARENT). It reaps them at once, which runc's delete relies on, and tells who asks how they
 * ended. A holder that dies takes none of them along. It ends when it has no child left and nobody
 * waits.
 */
#include "../include/mvas_abi.h"
#include "holder.h"
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
#define MAX_FREEZES 200
#define PR_SET_NAME_ 15

struct poll_fd {
	int fd;
	short events, revents;
};

struct keeper {
	struct poll_fd poll[2 + MAX_WAITERS]; /* 0: signals, 1: the listener, then those who wait */
	int wanted[2 + MAX_WAITERS];          /* the pid each waits for; 0: has not said yet */
	int guards[2 + MAX_WAITERS];   /* file that freezes a cgroup should it hang up; 0: none */
	int versions[2 + MAX_WAITERS]; /* of that cgroup */
	int waiters;
	int guarding;
	struct mvas_wait_reply exits[MAX_EXITS]; /* a ring; pid 0: free */
	u32 next_exit;
	int childless;
};

static void drop(struct keeper *keeper, int index)
{
	int last = 1 + keeper->waiters;

	sys1(__NR_close, keeper->poll[index].fd);
	keeper->poll[index] = keeper->poll[last];
	keeper->wanted[index] = keeper->wanted[last];
	keeper->guards[index] = keeper->guards[last];
	keeper->versions[index] = keeper->versions[last];
	keeper->waiters--;
}

static void tell(struct keeper *keeper, int index, int pid, int status)
{
	struct mvas_wait_reply reply = { pid, status };

	sys6(__NR_sendto, ARG(keeper->poll[index].fd), ARG(&reply), sizeof(reply), MSG_NOSIGNAL_, 0,
	     0);
	drop(keeper, index);
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
		for (int i = 1 + keeper->waiters; i > 1; i--) {
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

static int is_child(int pid)
{
	u8 info[128];

	/* WEXITED | WNOHANG | WNOWAIT of P_PID: -ECHILD for anybody else's child. */
	return sys6(__NR_waitid, 1, ARG(pid), ARG(info), 0x1000005 | WALL_, 0, 0) == 0;
}

/* A v1 freezer can hang half frozen until it is asked once more (kernel
 * cgroup-v1/freezer-subsystem.rst). */
static void freeze(int file, int version)
{
	if (version == 2) {
		sys4(__NR_pwrite64, file, "1", 1, 0);
		return;
	}
	for (int i = 0; i < MAX_FREEZES; i++) {
		char state[6] = { 0 };

		sys4(__NR_pwrite64, file, "FROZEN", 6, 0);
		sys4(__NR_pread64, file, state, sizeof(state), 0);
		if (state[3] == 'Z' && state[4] == 'E' && state[5] == 'N')
			return;
		sys3(__NR_poll, 0, 0, 1);
	}
}

static void end_guard(struct keeper *keeper, int index)
{
	u8 word[8];
	int file = keeper->guards[index];

	if (sys6(__NR_recvfrom, ARG(keeper->poll[index].fd), ARG(word), sizeof(word), 0, 0, 0) <= 0)
		freeze(file, keeper->versions[index]);
	sys1(__NR_close, file);
	keeper->guarding--;
	drop(keeper, index);
}

static void read_wish(struct keeper *keeper, int index)
{
	struct mvas_wait_request request;
	int fds[MAX_FDS];
	int count;
	s64 got;

	if (keeper->guards[index]) {
		end_guard(keeper, index);
		return;
	}
	got = receive(keeper->poll[index].fd, &request, sizeof(request), fds, &count);
	if (got == sizeof(request) && request.magic == MVAS_GUARD_MAGIC && count == 1) {
		keeper->guards[index] = fds[0];
		keeper->versions[index] = request.pid;
		keeper->guarding++;
		return;
	}
	for (int i = 0; i < count; i++)
		sys1(__NR_close, fds[i]);
	if (got != sizeof(request) || request.magic != MVAS_REQUEST_MAGIC || request.pid <= 0) {
		drop(keeper, index);
		return;
	}
	for (int i = 0; i < MAX_EXITS; i++) {
		if (keeper->exits[i].pid == request.pid) {
			keeper->exits[i].pid = 0;
			tell(keeper, index, request.pid, keeper->exits[i].status);
			return;
		}
	}
	if (is_child(request.pid))
		keeper->wanted[index] = request.pid;
	else
		tell(keeper, index, request.pid, -E_CHILD);
}

static void admit(struct keeper *keeper)
{
	s64 sock = sys4(__NR_accept4, keeper->poll[1].fd, 0, 0, SOCK_CLOEXEC_);

	if (sock < 0)
		return;
	if (keeper->waiters == MAX_WAITERS) {
		sys1(__NR_close, sock);
		return;
	}
	keeper->waiters++;
	keeper->poll[1 + keeper->waiters] = (struct poll_fd){ (int)sock, POLLIN_, 0 };
	keeper->wanted[1 + keeper->waiters] = 0;
	keeper->guards[1 + keeper->waiters] = 0;
}

static _Noreturn void keep(struct keeper *keeper)
{
	for (;;) {
		s64 ready = sys3(__NR_poll, keeper->poll, 2 + keeper->waiters,
				 keeper->childless && !keeper->guarding ? LINGER_MS : -1);

		if (ready == 0 && keeper->childless && !keeper->guarding)
			leave(0);
		if (ready <= 0)
			continue;
		if (keeper->poll[0].revents) {
			u8 info[128];

			sys3(__NR_read, keeper->poll[0].fd, info, sizeof(info));
			reap(keeper);
		}
		for (int i = 1 + keeper->waiters; i > 1; i--)
			if (keeper->poll[i].revents)
				read_wish(keeper, i);
		if (keeper->poll[1].revents)
			admit(keeper);
	}
}

_Noreturn void keeper_main(int listening)
{
	struct keeper keeper;
	u64 mask = SIGCHLD_MASK;

	zero(&keeper, sizeof(keeper));
	keeper.poll[0] =
		(struct poll_fd){ (int)sys4(__NR_signalfd4, -1, &mask, sizeof(mask), SOCK_CLOEXEC_),
				  POLLIN_, 0 };
	keeper.poll[1] = (struct poll_fd){ listening, POLLIN_, 0 };
	sys2(__NR_prctl, PR_SET_NAME_, "mvas-keeper");
	reap(&keeper);
	keep(&keeper);
}
