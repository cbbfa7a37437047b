/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other attributes of a process: umask, name, OOM score, core dump filter, timer slack, huge page switch.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>
#include <sys/prctl.h>

static void put(const char *path, const char *value)
{
	int fd = MUST(open(path, O_WRONLY | O_CLOEXEC));
	CHECK_EQ(path, strlen(value), write(fd, value, strlen(value)));
	close(fd);
}

static void child(void *arg)
{
	char name[16] = "";
	(void)arg;
	umask(0137);
	MUST(prctl(PR_SET_NAME, "odd ) name (x"));
	put("/proc/self/oom_score_adj", "737");
	put("/proc/self/coredump_filter", "0x21");
	MUST(prctl(PR_SET_TIMERSLACK, 123456));
	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	arrived();
	wait_for_go();
	CHECK_EQ("umask", 0137, umask(0));
	MUST(prctl(PR_GET_NAME, name));
	CHECK_STR("name", "odd ) name (x", name);
	CHECK_STR("OOM score", "737\n", slurp("/proc/self/oom_score_adj"));
	CHECK_STR("core dump filter", "00000021\n", slurp("/proc/self/coredump_filter"));
	CHECK_EQ("timer slack", 123456, prctl(PR_GET_TIMERSLACK));
	CHECK_EQ("huge pages off", 1, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}

int main(int argc, char **argv)
{
	umask(027);
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	finish(pid);
	CHECK_EQ("umask", 027, umask(0));
	CHECK_EQ("number of arguments", 3, argc);
	CHECK_STR("argument", "first argument", argv[1]);
	CHECK_STR("environment", "good morning", getenv("GREETING"));
	CHECK_STR("name of PID 1", "target\n", slurp("/proc/self/comm"));
	CHECK_EQ("huge pages of PID 1", 0, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	pass();
}
