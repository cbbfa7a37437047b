/* SPDX-License-Identifier: GPL-2.0-only */
/* What every test program prints: TAP, one line per check, and the plan at the end. */
#ifndef MVAS_TAP_H
#define MVAS_TAP_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define MIB (1ul << 20)

static int checks, failures;

static inline void check(bool passed, const char *format, ...)
{
	va_list list;

	printf("%sok %d - ", passed ? "" : "not ", ++checks);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	fflush(stdout);
	failures += !passed;
}

/* Reports what came instead. */
static inline void check_result(int got, int wanted, const char *what)
{
	if (got == wanted)
		check(true, "%s", what);
	else
		check(false, "%s: %d (%s) instead of %d (%s)", what, got, strerror(-got), wanted,
		      strerror(-wanted));
}

static inline int finish(void)
{
	printf("1..%d\n", checks);
	return failures ? 1 : 0;
}

static inline void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(99);
}

/* The exit code of a child, or 1000 plus the signal that killed it. */
static inline int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Runs a function in a child and gives its exit code. */
static inline int in_child(int (*function)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(function());
	return wait_for(pid);
}

#endif
