/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory files that say whether they can be executed, and some that are sealed against writing.
 * @needs: kernel>=6.3
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 16U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

static const struct {
	unsigned flags;
	mode_t mode;
	int add, seals;
} kinds[] = {
	{ MFD_NOEXEC_SEAL, 0666, 0, F_SEAL_EXEC },
	{ MFD_NOEXEC_SEAL, 0600, F_SEAL_WRITE, F_SEAL_EXEC | F_SEAL_WRITE },
	{ MFD_EXEC, 0777, 0, F_SEAL_SEAL },
	{ MFD_EXEC | MFD_ALLOW_SEALING, 0640, F_SEAL_WRITE | F_SEAL_SEAL,
	  F_SEAL_WRITE | F_SEAL_SEAL },
	{ MFD_EXEC | MFD_ALLOW_SEALING, 0755, F_SEAL_EXEC,
	  F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void check(const int fds[])
{
	for (size_t i = 0; i < KINDS; i++) {
		struct stat status;
		MUST(fstat(fds[i], &status));
		CHECK_EQ("mode", kinds[i].mode, status.st_mode & 07777);
		CHECK_EQ("seals", kinds[i].seals, fcntl(fds[i], F_GET_SEALS));
	}
}

int main(void)
{
	int fds[KINDS];
	for (size_t i = 0; i < KINDS; i++) {
		fds[i] = MUST(memfd_create("kind", kinds[i].flags));
		CHECK_EQ("write", 7, write(fds[i], "content", 7));
		MUST(fchmod(fds[i], kinds[i].mode));
		if (kinds[i].add)
			MUST(fcntl(fds[i], F_ADD_SEALS, kinds[i].add));
	}
	check(fds);

	ready_and_wait();

	check(fds);
	CHECK(fchmod(fds[0], 0700) == -1 && errno == EPERM, "made executable");
	CHECK(write(fds[1], "x", 1) == -1 && errno == EPERM, "written");
	pass();
}
