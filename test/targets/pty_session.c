/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with a controlling terminal, as terminal multiplexers make it: /dev/tty, a job in the
 * foreground, one in the background, signals of keys, a hang-up at the end.
 * @needs: none
 * @expect: restore
 * @varies: fds
 */
#include "target.h"
#include <sys/ioctl.h>
#include <termios.h>

static int terminal;

/* In a group of its own; "foreground": until ^C and the go. */
static void job(void *arg)
{
	sigset_t interrupt;
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, NULL);
	MUST(setpgid(0, 0));
	arrived();
	if (!arg) {
		wait_for_go();
		CHECK(tcgetpgrp(terminal) != getpgrp(), "in the background");
		return;
	}
	while (sigwaitinfo(&interrupt, NULL) != SIGINT)
		if (errno != EINTR) FAIL("sigwaitinfo: %s", strerror(errno));
	wait_for_go();
	int own = MUST(open("/dev/tty", O_RDWR));
	CHECK_EQ("write", 4, write(own, "job\n", 4));
}

static void leader(void *arg)
{
	(void)arg;
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	MUST(setsid());
	MUST(ioctl(terminal, TIOCSCTTY, 0));
	int own = MUST(open("/dev/tty", O_RDWR));
	pid_t back = spawn(job, NULL);
	pid_t front = spawn(job, "foreground");
	MUST(sigaction(SIGTTOU, &ignore, NULL));
	MUST(tcsetpgrp(terminal, front));
	arrived();
	wait_for_go();
	CHECK_EQ("foreground", front, tcgetpgrp(terminal));
	CHECK_EQ("session", getpid(), tcgetsid(terminal));
	CHECK_EQ("foreground by /dev/tty", front, tcgetpgrp(own));
	expect_exit(front, 0);
	finish(back);
}

static void expect_output(int master, const char *expected)
{
	char text[64] = "";
	size_t used = 0;

	while (used < strlen(expected)) {
		ssize_t n = MUST(read(master, text + used, sizeof(text) - 1 - used));
		used += (size_t)n;
	}
	CHECK_STR("output", expected, text);
}

int main(void)
{
	int master = MUST(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
	MUST(unlockpt(master));
	terminal = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
	pid_t child = spawn(leader, NULL);

	ready_and_wait();

	CHECK_EQ("session by the master", child, tcgetsid(master));
	CHECK_EQ("interrupt", 1, write(master, "\003", 1));
	/* The signal is sent before the echo. */
	expect_output(master, "^C");
	pid_t front = MUST(tcgetpgrp(master));
	MUST(kill(front, SIGTERM));
	expect_output(master, "job\r\n");
	finish(child);
	pass();
}
