/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared file mappings: on disk and on tmpfs, written before and after, seen by descriptor and by child.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define LENGTH 131072ul

static unsigned char *disk, *memory, *read_only;
static int disk_fd, memory_fd;

static unsigned char *map(const char *path, int *fd)
{
	*fd = MUST(open(path, O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(*fd, LENGTH));
	return MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0));
}

static void child(void *arg)
{
	(void)arg;
	arrived();
	wait_for_go();
	check_fill("disk, in the child", disk, LENGTH / 2, 33);
	check_fill("memory, in the child", memory, LENGTH / 2, 44);
	fill(memory + LENGTH / 2, LENGTH / 2, 45);
	fill(disk + LENGTH / 2, LENGTH / 2, 34);
}

static void check_file(const char *what, int fd, unsigned first, unsigned second)
{
	static unsigned char content[LENGTH];
	CHECK_EQ(what, LENGTH, pread(fd, content, LENGTH, 0));
	check_fill(what, content, LENGTH / 2, first);
	check_fill(what, content + LENGTH / 2, LENGTH / 2, second);
}

int main(void)
{
	disk = map("/data/shared", &disk_fd);
	memory = map("/dev/shm/shared", &memory_fd);
	int fd = MUST(open("/data/shared", O_RDONLY));
	read_only = MUST(mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, fd, 0));
	close(fd);
	fill(disk, LENGTH, 3);
	fill(memory, LENGTH, 4);
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	check_fill("disk", disk, LENGTH, 3);
	check_fill("memory", memory, LENGTH, 4);
	fill(disk, LENGTH / 2, 33);
	fill(memory, LENGTH / 2, 44);
	finish(pid);
	check_file("file on disk", disk_fd, 33, 34);
	check_file("file in memory", memory_fd, 44, 45);
	check_fill("read-only mapping", read_only, LENGTH / 2, 33);
	CHECK(mprotect(read_only, LENGTH, PROT_READ | PROT_WRITE) == -1 && errno == EACCES,
	      "a mapping of a read-only descriptor cannot become writable");
	pass();
}
