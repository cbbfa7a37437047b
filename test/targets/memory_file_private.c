/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private file mappings: dirty pages stay private, clean ones come from the file, on disk and on tmpfs.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define LENGTH 262144ul
#define PAGE 4096ul

struct mapping {
	const char *path;
	unsigned char *writable, *readable;
	int fd;
};

static void make(struct mapping *m)
{
	static unsigned char buffer[LENGTH];
	fill(buffer, LENGTH, 1);
	m->fd = MUST(open(m->path, O_RDWR | O_CREAT, 0600));
	CHECK_EQ("write", LENGTH, write(m->fd, buffer, LENGTH));
	m->writable = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE, m->fd, 0));
	m->readable = MUST(mmap(NULL, LENGTH / 2, PROT_READ, MAP_PRIVATE, m->fd, 8192));
	for (size_t page = 0; page < LENGTH / PAGE; page += 3) fill(m->writable + page * PAGE, PAGE, 2);
	/* Dirty pages under a protection that hides them. */
	MUST(mprotect(m->writable, 4 * PAGE, PROT_NONE));
}

static void verify(struct mapping *m)
{
	static unsigned char expected[LENGTH], page_of_file[PAGE];
	MUST(mprotect(m->writable, 4 * PAGE, PROT_READ | PROT_WRITE));
	fill(expected, LENGTH, 1);
	for (size_t page = 0; page < LENGTH / PAGE; page += 3) fill(expected + page * PAGE, PAGE, 2);
	CHECK_EQ(m->path, 0, memcmp(expected, m->writable, LENGTH));
	fill(expected, LENGTH, 1);
	CHECK_EQ(m->path, 0, memcmp(expected + 8192, m->readable, LENGTH / 2));
	CHECK_EQ("pread", PAGE, pread(m->fd, page_of_file, PAGE, 0));
	CHECK_EQ("the file has not changed", 0, memcmp(expected, page_of_file, PAGE));
	/* A clean page follows the file, a dirty one does not. */
	CHECK_EQ("pwrite", 4, pwrite(m->fd, "new!", 4, 4 * PAGE));
	CHECK_EQ("clean page", 0, memcmp(m->writable + 4 * PAGE, "new!", 4));
	CHECK_EQ("pwrite", 4, pwrite(m->fd, "new!", 4, 3 * PAGE));
	CHECK(memcmp(m->writable + 3 * PAGE, "new!", 4) != 0, "a dirty page is private");
}

int main(void)
{
	struct mapping mappings[2] = {{.path = "/data/private"}, {.path = "/dev/shm/private"}};
	make(&mappings[0]);
	make(&mappings[1]);

	ready_and_wait();

	verify(&mappings[0]);
	verify(&mappings[1]);
	pass();
}
