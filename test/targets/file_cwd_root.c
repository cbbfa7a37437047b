/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Working directory and root: in subdirectories, on tmpfs, below a chroot.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

static void check_cwd(const char *expected)
{
	char text[256];
	CHECK(getcwd(text, sizeof(text)) != NULL, "getcwd");
	CHECK_STR("working directory", expected, text);
}

static void child(void *arg)
{
	const char *folder = arg;
	MUST(chdir(folder));
	arrived();
	wait_for_go();
	check_cwd(folder);
	MUST(open("made", O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static void jailed(void *arg)
{
	(void)arg;
	MUST(chroot("/data/jail"));
	MUST(chdir("/inner"));
	int fd = MUST(open("/own", O_RDWR | O_CREAT, 0600));
	arrived();
	wait_for_go();
	check_cwd("/inner");
	CHECK(access("/target", F_OK) == -1, "the old root is out of sight");
	MUST(access("/inner", X_OK));
	CHECK_EQ("write", 2, write(fd, "ok", 2));
	MUST(open("../../../../own", O_RDONLY));
}

int main(void)
{
	MUST(mkdir("/data/jail", 0755));
	MUST(mkdir("/data/jail/inner", 0755));
	MUST(mkdir("/tmp/sub", 0755));
	pid_t disk = spawn(child, "/data/jail/inner"), memory = spawn(child, "/tmp/sub");
	pid_t jail = spawn(jailed, NULL);
	MUST(chdir("/run"));

	ready_and_wait();

	check_cwd("/run");
	finish(disk);
	finish(memory);
	finish(jail);
	MUST(access("/data/jail/inner/made", F_OK));
	MUST(access("/tmp/sub/made", F_OK));
	CHECK_STR("content", "ok", slurp("/data/jail/own"));
	pass();
}
