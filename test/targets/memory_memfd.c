/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfds: name, size, seals, position, holes; one only mapped, one only open, one shared with a child.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

#define LENGTH 131072l

static int shared;
static unsigned char *mapped_only, *shared_map;

static void child(void *arg)
{
	(void)arg;
	arrived();
	wait_for_go();
	check_fill("shared, in the child", shared_map, LENGTH, 9);
	fill(shared_map, 4096, 10);
	CHECK_EQ("position is shared", 777, lseek(shared, 0, SEEK_CUR));
	lseek(shared, 888, SEEK_SET);
}

static int make(const char *name, unsigned flags, unsigned seed)
{
	static unsigned char buffer[LENGTH];
	int fd = MUST(memfd_create(name, flags));
	fill(buffer, LENGTH, seed);
	CHECK_EQ("write", LENGTH, write(fd, buffer, LENGTH));
	return fd;
}

static void check_content(const char *what, int fd, unsigned seed)
{
	static unsigned char buffer[LENGTH];
	CHECK_EQ(what, LENGTH, pread(fd, buffer, LENGTH, 0));
	check_fill(what, buffer, LENGTH, seed);
}

int main(void)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL;
	struct stat status;
	int sealed = make("sealed one", MFD_ALLOW_SEALING | MFD_CLOEXEC, 7);
	MUST(fcntl(sealed, F_ADD_SEALS, seals));
	int sparse = MUST(memfd_create("sparse", 0));
	MUST(ftruncate(sparse, 1l << 30));
	CHECK_EQ("pwrite", 3, pwrite(sparse, "end", 3, (1l << 30) - 3));
	int gone = make("mapped only", 0, 8);
	mapped_only = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, gone, 0));
	close(gone);
	shared = make("shared", MFD_ALLOW_SEALING, 9);
	shared_map = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0));
	MUST(fchmod(shared, 0640));
	lseek(shared, 777, SEEK_SET);
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	char name[64] = "";
	check_content("sealed", sealed, 7);
	CHECK_EQ("seals", seals, fcntl(sealed, F_GET_SEALS));
	CHECK(pwrite(sealed, "x", 1, 0) == -1 && errno == EPERM, "sealed against writing");
	MUST(fstat(sparse, &status));
	CHECK_EQ("size of the sparse one", 1l << 30, status.st_size);
	CHECK(status.st_blocks < 1000, "the sparse one is sparse");
	CHECK_EQ("pread", 3, pread(sparse, name, 3, (1l << 30) - 3));
	CHECK_EQ("end of the sparse one", 0, memcmp(name, "end", 3));
	CHECK_EQ("seals of an unsealable", F_SEAL_SEAL, fcntl(sparse, F_GET_SEALS));
	check_fill("mapped only", mapped_only, LENGTH, 8);
	MUST(fstat(shared, &status));
	CHECK_EQ("mode", 0640, status.st_mode & 0777);
	finish(pid);
	CHECK_EQ("position set by the child", 888, lseek(shared, 0, SEEK_CUR));
	check_fill("what the child wrote", shared_map, 4096, 10);
	CHECK_EQ("seals of the shared", 0, fcntl(shared, F_GET_SEALS));
	pass();
}
