/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command by a fork of a standby (src/cli/standby). Numbers of 4 bytes are all that is said:
 *
 *   launcher: its pid, a descriptor that tells when it ends, one for the exit status
 *   fork:     its pid: it has taken streams, arguments, environment and working directory from us
 *   launcher: 0, go: from here on Node does not do it
 *
 * Until then the fork does nothing; afterwards we pass on signals, and end as the fork does. It is
 * killed by the kernel when we end before it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

/* Passed on, except for SIGTSTP: that stops us both. */
static const int passed[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP, SIGWINCH
};

/* What the dynamic loader, the C library, Node and the standby read once, when a process starts. */
static const char *const early[] = {
	"GLIBC_TUNABLES=",
	"ICU_",
	"LANG=",
	"LC_",
	"LD_",
	"LOCPATH=",
	"MALLOC_",
	"OPENSSL_",
	"SSL_",
	"TZ",
	"MVAS_STANDBY_IDLE_MS=",
	"MVAS_STANDBY_WARM_UP=",
	"MVAS_TRACE=",
};

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_early(const char *variable)
{
	for (size_t i = 0; i < sizeof(early) / sizeof(*early); i++)
		if (begins_with(variable, early[i]))
			return true;
	return false;
}

/*
 * Whether this command can be done by another process: root's, with three streams, and with none
 * of our other descriptors. What is said to Node is for a Node of its own.
 */
static bool is_servable(const struct install *install, char **argv)
{
	const char *wish = getenv("MVAS_STANDBY");

	if (strcmp(install->name, COMMAND) != 0 || geteuid() != 0 ||
	    (wish && strcmp(wish, "0") == 0) || sched_getscheduler(0) != SCHED_OTHER)
		return false;
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return false;
	for (char **variable = environ; *variable; variable++)
		if ((begins_with(*variable, "NODE_") && !begins_with(*variable, "NODE_ENV=")) ||
		    begins_with(*variable, "UV_"))
			return false;
	for (; *argv; argv++)
		if (strstr(*argv, "/fd/"))
			return false;
	return true;
}

/* Whether a command is worth a standby for the next one: those that run the engine are. */
static bool is_for_engine(const char *verb)
{
	static const char *const verbs[] = { "restore", "checkpoint", "snapshot", "fork",
					     "rollback" };

	for (size_t i = 0; verb && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(verb, verbs[i]) == 0)
			return true;
	return false;
}

/* Whether a command outlives what a standby is for. */
static bool is_service(const char *verb)
{
	return verb && strcmp(verb, "serve") == 0;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * The variables that a standby starts with: all others come with a command. Sorted, since each
 * shell passes them on in an order of its own.
 */
static char **early_environment(void)
{
	size_t count = 0;
	char **kept;

	while (environ[count])
		count++;
	kept = calloc(count + 2, sizeof(*kept));
	if (!kept)
		return NULL;
	count = 0;
	/* Else the debug package would look at the standby's stderr, and not at a command's. */
	kept[count++] = "DEBUG_COLORS=no";
	for (char **variable = environ; *variable; variable++)
		if (is_early(*variable))
			kept[count++] = *variable;
	qsort(kept, count, sizeof(*kept), compare_texts);
	return kept;
}

/* Ends as a process does that a signal has killed. */
static void die_of(int number)
{
	sigset_t only;

	signal(number, SIG_DFL);
	sigemptyset(&only);
	sigaddset(&only, number);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	raise(number);
	_exit(128 + number);
}

/* Passes on the next signal; which one. */
static int pass_on(int signals, int fork)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo != SIGTSTP) {
		syscall(SYS_pidfd_send_signal, fork, info.ssi_signo, NULL, 0);
		return (int)info.ssi_signo;
	}
	syscall(SYS_pidfd_send_signal, fork, SIGSTOP, NULL, 0);
	raise(SIGSTOP);
	syscall(SYS_pidfd_send_signal, fork, SIGCONT, NULL, 0);
	return 0;
}

/*
 * Until the fork says its status, which is the last thing that it does, or has ended; then as it
 * has. The kernel takes a while to free its memory. One that says no status was killed.
 */
static void accompany(int fork, int signals, int status, const int *flags)
{
	struct pollfd events[] = { { .fd = fork, .events = POLLIN },
				   { .fd = signals, .events = POLLIN },
				   { .fd = status, .events = POLLIN } };
	int last = SIGKILL;
	int32_t code;

	while (!((events[0].revents | events[2].revents) & POLLIN)) {
		if (poll(events, 3, -1) < 0)
			continue;
		if (events[2].revents & POLLHUP && !(events[2].revents & POLLIN))
			events[2].fd = -1; /* It ends without a word. */
		if (events[1].revents & POLLIN) {
			int number = pass_on(signals, fork);

			if (number != 0 && number != SIGWINCH)
				last = number;
		}
	}
	for (int fd = 0; fd < 3; fd++) /* Node makes pipes non-blocking, for us and others. */
		fcntl(fd, F_SETFL, flags[fd]);
	if (read(status, &code, sizeof(code)) == sizeof(code))
		_exit(code);
	die_of(last);
}

/* Has a fork do the command. Returns when it has not begun. */
static void hand_over(int connection)
{
	int life[2], status[2], flags[3];
	int32_t fork = 0, go = 0;
	struct activity before;
	sigset_t set, mask;

	if (pipe2(life, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(status, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	for (int fd = 0; fd < 3; fd++)
		flags[fd] = fcntl(fd, F_GETFL);
	const int32_t request[] = { getpid(), life[0], status[1] };

	look_at_peer(connection, &before);

	if (send(connection, request, sizeof(request), MSG_NOSIGNAL) != sizeof(request) ||
	    receive(connection, &fork, sizeof(fork)) < 0) {
		if (errno == EAGAIN)
			retire(connection, &before);
		return;
	}
	close(life[0]);
	close(status[1]);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++)
		sigaddset(&set, passed[i]);
	sigprocmask(SIG_BLOCK, &set, &mask);
	int process = (int)syscall(SYS_pidfd_open, fork, 0);
	int signals = signalfd(-1, &set, SFD_CLOEXEC);

	if (process >= 0 && signals >= 0 &&
	    send(connection, &go, sizeof(go), MSG_NOSIGNAL) == sizeof(go))
		accompany(process, signals, status[0], flags);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

void serve_by_standby(const struct install *install, int argc, char **argv)
{
	static const char *const flags[] = {
		/* What a fork needs: it has no thread but the one that forks. */
		"--single-threaded", "--v8-pool-size=1",
		/* All is compiled before it is needed, and stays so. */
		"--no-lazy", "--no-flush-bytecode",
		/* MiB. Garbage is collected by that one thread, so seldom: of a
		 * large container, most of what is allocated stays in use. The
		 * limit for what is old would shrink by that. */
		"--min-semi-space-size=128", "--max-semi-space-size=128", "--no-minor-gc-task",
		"--initial-old-space-size=512", NULL
	};
	bool is_ours = !is_service(argv[1]) && is_servable(install, argv);
	char **environment = is_ours ? early_environment() : NULL;
	struct standby standby;

	if (!environment)
		return;
	name_standby(&standby, surroundings(install, environment));
	int connection = dial(&standby);

	if (connection >= 0) {
		hand_over(connection);
		close(connection);
	} else if (argc > 1 && is_for_engine(argv[1]) && is_in_first_namespaces()) {
		const char *const words[] = { "-standby", standby.directory, NULL };
		const struct program program = { .name = COMMAND,
						 .flags = flags,
						 .words = words,
						 .environment = environment,
						 .waits = true };

		leave_standby(install, &standby, &program);
	}
}
