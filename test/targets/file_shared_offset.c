/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files shared by dup and by fork share position and flags; separate opens of a path do not.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static int file, copy, apart, reused;

static void grandchild(void *arg)
{
	(void)arg;
	arrived();
	wait_for_go();
	CHECK_EQ("position seen by the grandchild", 555, lseek(reused, 0, SEEK_CUR));
	MUST(lseek(reused, 666, SEEK_SET));
}

static void child(void *arg)
{
	(void)arg;
	/* The same open file under another number; the old number means something else. */
	reused = MUST(fcntl(file, F_DUPFD, 50));
	MUST(dup2(apart, file));
	pid_t pid = spawn(grandchild, NULL);
	arrived();
	wait_for_go();
	CHECK_EQ("position seen by the child", 444, lseek(reused, 0, SEEK_CUR));
	CHECK_EQ("what the number means now", 22, lseek(file, 0, SEEK_CUR));
	MUST(lseek(reused, 555, SEEK_SET));
	finish(pid);
	MUST(fcntl(reused, F_SETFL, O_APPEND));
}

int main(void)
{
	file = MUST(open("/data/common", O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(file, 10000));
	copy = MUST(dup(file));
	apart = MUST(open("/data/common", O_RDWR));
	MUST(lseek(file, 11, SEEK_SET));
	MUST(lseek(apart, 22, SEEK_SET));
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	CHECK_EQ("position", 11, lseek(copy, 0, SEEK_CUR));
	CHECK_EQ("position of the other", 22, lseek(apart, 0, SEEK_CUR));
	MUST(lseek(copy, 444, SEEK_SET));
	finish(pid);
	CHECK_EQ("position set by the grandchild", 666, lseek(file, 0, SEEK_CUR));
	CHECK(fcntl(copy, F_GETFL) & O_APPEND, "flags are shared");
	CHECK(!(fcntl(apart, F_GETFL) & O_APPEND), "but not with the other");
	pass();
}
