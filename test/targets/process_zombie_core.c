/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zombie that has dumped core does not dump another one at a restore.
 * @needs: none
 * @expect: restore
 * @varies: exit_code
 */
#include "target.h"
#include <dirent.h>
#include <sys/resource.h>

static int cores_in(const char *folder)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	int count = 0;
	CHECK(directory != NULL, folder);
	while ((entry = readdir(directory)))
		if (strncmp(entry->d_name, "core", 4) == 0) count++;
	closedir(directory);
	return count;
}

int main(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	siginfo_t info;
	if (setrlimit(RLIMIT_CORE, &limit) < 0) SKIP("no cores are allowed here");
	MUST(chdir("/data"));
	pid_t pid = MUST(fork());
	if (pid == 0) {
		kill(getpid(), SIGSEGV);
		_exit(1);
	}
	MUST(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	CHECK_EQ("status of the zombie", SIGSEGV, info.si_status);
	int before = cores_in("/data") + cores_in("/") + cores_in("/tmp");

	ready_and_wait();

	CHECK_EQ("cores", before, cores_in("/data") + cores_in("/") + cores_in("/tmp"));
	memset(&info, 0, sizeof(info));
	MUST(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
	CHECK_EQ("pid of the zombie", pid, info.si_pid);
	CHECK_EQ("status of the zombie", SIGSEGV, info.si_status);
	CHECK(info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED, "killed by the signal");
	pass();
}
