/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every target shares. A target is a static program that runs as PID 1 of a container: it sets
 * one kernel resource up, calls ready(), blocks in wait_for_go() while it may be checkpointed and
 * restored, then verifies itself and ends by pass().
 *
 * On stdout: READY, then PASS | FAIL: what | SKIP: reason (exit status 0, 1, 77). The go is SIGTERM,
 * blocked in all tasks from the start and taken by sigwaitinfo, so that no handler is needed.
 *
 * The header comment of a target names its resource and carries two lines for the harness:
 *   @needs: none | any of kernel>=X.Y  cap:NAME (added to the container)  cpu:FLAG  realtime
 *   @expect: restore | refuse REGEX      (REGEX: what the refusal must say)
 * and may carry
 *   @warns: REGEX, what the first checkpoint must say in the log
 *   @varies: keys of the outside view that may change, such as ShdPnd or fds; "rest": never at rest
 */
#ifndef TARGET_H
#define TARGET_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		char text_[512];                                                                   \
		snprintf(text_, sizeof(text_), __VA_ARGS__);                                       \
		dprintf(1, "FAIL: %s:%d: %s\n", __FILE__, __LINE__, text_);                        \
		_exit(1);                                                                          \
	} while (0)

#define SKIP(reason)                                                                               \
	do {                                                                                       \
		dprintf(1, "SKIP: %s\n", reason);                                                  \
		_exit(77);                                                                         \
	} while (0)

#define CHECK(claim, what)                                                                         \
	do {                                                                                       \
		if (!(claim)) FAIL("%s: expected %s, got false (errno %d)", what, #claim, errno);  \
	} while (0)

#define CHECK_EQ(what, expected, got)                                                              \
	do {                                                                                       \
		long long e_ = (long long)(expected), g_ = (long long)(got);                       \
		if (e_ != g_) FAIL("%s: expected %lld, got %lld (errno %d)", what, e_, g_, errno); \
	} while (0)

#define CHECK_STR(what, expected, got)                                                             \
	do {                                                                                       \
		const char *e_ = (expected), *g_ = (got);                                          \
		if (strcmp(e_, g_) != 0) FAIL("%s: expected \"%.200s\", got \"%.200s\"", what, e_, g_);    \
	} while (0)

/* A call that sets up or must not fail: its value, or FAIL with its text when it returns -1. */
#define MUST(call)                                                                                 \
	({                                                                                         \
		__typeof__(call) v_ = (call);                                                      \
		if ((long)v_ == -1) FAIL("%s: %s", #call, strerror(errno));                        \
		v_;                                                                                \
	})

static sigset_t target_go;
static int target_arrival = -1;

__attribute__((constructor)) static void target_begin(void)
{
	sigemptyset(&target_go);
	sigaddset(&target_go, SIGTERM);
	sigprocmask(SIG_BLOCK, &target_go, NULL);
}

static void ready(void)
{
	dprintf(1, "READY\n");
}

/* Blocks until the go; interruptions by stops and ptrace are the kernel's business, not a failure. */
static void wait_for_go(void)
{
	while (sigwaitinfo(&target_go, NULL) != SIGTERM)
		if (errno != EINTR) FAIL("sigwaitinfo: %s", strerror(errno));
}

static void ready_and_wait(void)
{
	ready();
	wait_for_go();
}

__attribute__((noreturn)) static void pass(void)
{
	dprintf(1, "PASS\n");
	_exit(0);
}

/* Called by a child of spawn() once it is set up. */
static void arrived(void)
{
	if (target_arrival < 0 || write(target_arrival, "a", 1) != 1) FAIL("arrival of a child");
	close(target_arrival);
	target_arrival = -1;
}

/* Forks a child that runs body(arg) and exits 0; returns once it has called arrived(). */
static pid_t spawn(void (*body)(void *), void *arg)
{
	int gate[2];
	char byte;
	MUST(pipe(gate));
	pid_t pid = MUST(fork());
	if (pid == 0) {
		if (target_arrival >= 0) close(target_arrival);
		close(gate[0]);
		target_arrival = gate[1];
		body(arg);
		_exit(0);
	}
	close(gate[1]);
	if (read(gate[0], &byte, 1) != 1) FAIL("child %d ended before it had arrived", pid);
	close(gate[0]);
	return pid;
}

/* Waits for a child and checks that it exited with the status. */
static void expect_exit(pid_t pid, int code)
{
	int status = 0;
	pid_t got;
	while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR) continue;
	CHECK_EQ("waitpid", pid, got);
	if (!WIFEXITED(status)) FAIL("child %d: expected exit, got status %#x", pid, status);
	CHECK_EQ("exit code of a child", code, WEXITSTATUS(status));
}

/* Sends a child its go and checks that it exited with 0. */
static void finish(pid_t pid)
{
	MUST(kill(pid, SIGTERM));
	expect_exit(pid, 0);
}

static double seconds(clockid_t clock)
{
	struct timespec t;
	MUST(clock_gettime(clock, &t));
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Byte number i of the pattern of a seed, whose period is not a page. */
static unsigned char pattern_byte(size_t i, unsigned seed)
{
	return (unsigned char)((i * 31 + (i >> 12) * 17 + seed) % 251);
}

static void fill(void *at, size_t length, unsigned seed)
{
	for (size_t i = 0; i < length; i++) ((volatile unsigned char *)at)[i] = pattern_byte(i, seed);
}

static void check_fill(const char *what, const void *at, size_t length,
					       unsigned seed)
{
	const volatile unsigned char *bytes = at;
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != pattern_byte(i, seed))
			FAIL("%s: byte %zu: expected %u, got %u", what, i, pattern_byte(i, seed), bytes[i]);
}

static void check_zero(const char *what, const void *at, size_t length)
{
	const volatile unsigned char *bytes = at;
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != 0) FAIL("%s: byte %zu: expected 0, got %u", what, i, bytes[i]);
}

/* Reads a small text file; FAIL when it cannot be read. The buffer is static. */
static const char *slurp(const char *path)
{
	static char text[16384];
	int fd = MUST(open(path, O_RDONLY | O_CLOEXEC));
	size_t used = 0;
	ssize_t n;
	while (used < sizeof(text) - 1 && (n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = 0;
	close(fd);
	return text;
}

/* The value of a "Name:" line of /proc/self/status or the like, white space skipped; static buffer. */
static const char *status_field(const char *path, const char *name)
{
	static char value[256];
	char key[64];
	snprintf(key, sizeof(key), "%s:", name);
	for (const char *at = slurp(path); at && *at; at = strchr(at, '\n'), at = at ? at + 1 : at) {
		if (strncmp(at, key, strlen(key)) != 0) continue;
		at += strlen(key);
		at += strspn(at, " \t");
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
		return value;
	}
	FAIL("no line %s in %s", key, path);
}

#endif
