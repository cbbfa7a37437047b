/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mvas-await ROOT PATH: waits until there is something at a path, which is looked up as a process
 * does whose root directory is ROOT (openat2(2)), and ends with 0; with 1 if there is no such root.
 *
 * A process of its own, since a look may take for ever: who serves a file system need not answer,
 * and not even a SIGKILL ends what waits for that. It has no descriptors of others, so nobody waits
 * for it either.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000L
#define FIRST_NS (50 * MS)
#define MOST_NS (999 * MS)

enum look { THERE = 0, NO_ROOT = 1, NOT_YET };

static enum look look(const char *root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int top = open(root, O_PATH | O_CLOEXEC);
	if (top < 0)
		return errno == ENOENT || errno == ESRCH ? NO_ROOT : NOT_YET;
	int found = (int)syscall(SYS_openat2, top, path, &how, sizeof(how));
	close(top);
	if (found < 0)
		return NOT_YET;
	close(found);
	return THERE;
}

int main(int argc, char **argv)
{
	pid_t parent = getppid();
	struct timespec pause = { .tv_nsec = FIRST_NS };

	if (argc != 3 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return 2;
	while (getppid() == parent) {
		enum look found = look(argv[1], argv[2]);
		if (found != NOT_YET)
			return (int)found;
		nanosleep(&pause, NULL);
		/* Less and less often. */
		pause.tv_nsec += pause.tv_nsec / 5;
		if (pause.tv_nsec > MOST_NS)
			pause.tv_nsec = MOST_NS;
	}
	return 2;
}
