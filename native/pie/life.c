/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a keeper does about the life of its VAS: it waits, for a time or for a deletion, and runs a
 * command. It decides nothing.
 */
#include "life.h"

#define CLOCK_BOOTTIME_ 7
#define CLOEXEC_NONBLOCK 02004000
#define SIG_SETMASK_ 2
#define SIGCHLD_ 17
#define IN_DELETE_SELF_ 0x400
#define MAX_STRINGS 16

struct timer_spec {
	s64 interval[2], value[2];
};

struct inotify_event {
	int wd;
	u32 mask, cookie, length;
};

static void set_timer(struct life *life, u64 seconds)
{
	struct timer_spec spec = { { 0, 0 }, { (s64)seconds, 0 } };

	sys4(__NR_timerfd_settime, life->timer, 0, &spec, 0);
}

void life_begin(struct life *life)
{
	life->timer = (int)sys2(__NR_timerfd_create, CLOCK_BOOTTIME_, CLOEXEC_NONBLOCK);
	life->watch = -1;
	life->cgroup = -1;
}

static void replace(int *fd, int other)
{
	if (*fd >= 0)
		sys1(__NR_close, *fd);
	*fd = other;
}

static int is_sound(const struct mvas_life_request *order, s64 got, int count)
{
	int wanted = !!(order->with & MVAS_LIFE_WATCH) + !!(order->with & MVAS_LIFE_CGROUP);
	u32 strings = 0;

	if (got != sizeof(*order) || count != wanted || order->size > sizeof(order->strings))
		return 0;
	for (u32 i = 0; i < order->size; i++)
		if (!order->strings[i])
			strings++;
	return !order->size || (!order->strings[order->size - 1] && strings <= MAX_STRINGS &&
				order->argc > 0 && order->argc <= strings);
}

int life_order(struct life *life, const struct mvas_life_request *order, s64 got, const int *fds,
	       int count)
{
	int next = 0;

	if (!is_sound(order, got, count)) {
		while (count > 0)
			sys1(__NR_close, fds[--count]);
		return -E_INVAL;
	}
	if (order->with & MVAS_LIFE_WATCH)
		replace(&life->watch, fds[next++]);
	if (order->with & MVAS_LIFE_CGROUP)
		replace(&life->cgroup, fds[next++]);
	if (order->size)
		life->order = *order;
	set_timer(life, order->after);
	return 0;
}

void life_due(struct life *life)
{
	u64 times;

	sys3(__NR_read, life->timer, &times, sizeof(times));
}

int life_look(struct life *life)
{
	u8 bytes[4096];
	s64 got = sys3(__NR_read, life->watch, bytes, sizeof(bytes));
	int is_gone = 0;

	for (s64 at = 0; at + (s64)sizeof(struct inotify_event) <= got;) {
		struct inotify_event event;

		copy(&event, bytes + at, sizeof(event));
		is_gone |= !!(event.mask & IN_DELETE_SELF_);
		at += (s64)(sizeof(event) + event.length);
	}
	if (is_gone || got <= 0)
		replace(&life->watch, -1);
	return is_gone;
}

static _Noreturn void become_command(const struct life *life)
{
	const char *strings[MAX_STRINGS + 2]; /* arguments, 0, environment, 0 */
	const struct mvas_life_request *order = &life->order;
	u64 none = 0;
	u32 count = 0;

	for (u32 i = 0, argument = 1; i < order->size; i++) {
		if (argument)
			strings[count++] = order->strings + i;
		argument = !order->strings[i];
		if (argument && count == order->argc)
			strings[count++] = 0;
	}
	strings[count] = 0;
	if (life->cgroup >= 0)
		sys3(__NR_write, life->cgroup, "0", 1);
	sys3(__NR_close_range, 3, ~0u, 0);
	sys1(__NR_setsid, 0);
	sys4(__NR_rt_sigprocmask, SIG_SETMASK_, &none, 0, sizeof(none));
	sys3(__NR_execve, strings[0], strings, strings + order->argc + 1);
	leave(127);
}

void life_run(struct life *life)
{
	s64 pid;

	if (!life->order.size)
		return;
	life->is_due = life->command != 0;
	if (life->is_due)
		return;
	set_timer(life, MVAS_LIFE_RETRY_S);
	pid = sys6(__NR_clone, SIGCHLD_, 0, 0, 0, 0, 0);
	if (pid == 0)
		become_command(life);
	if (pid > 0)
		life->command = (int)pid;
}

int life_reaped(struct life *life, int pid)
{
	if (life->command != pid)
		return 0;
	life->command = 0;
	return 1;
}
