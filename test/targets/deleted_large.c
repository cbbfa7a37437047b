/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A memfd and a deleted file of 40 MiB each, with holes, an odd size, and mappings; more than an image may hold.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

#define MIB (1l << 20)
#define PIECES 40l
#define HOLE (1000 * MIB)
#define SIZE (HOLE + PIECES * MIB + 5)

static unsigned char buffer[MIB];

/* Each piece is a MiB of its own; behind them comes a hole, and a last piece of five bytes. */
static void fill_file(int fd, unsigned seed)
{
	for (long piece = 0; piece < PIECES; piece++) {
		fill(buffer, MIB, seed + (unsigned)piece);
		CHECK_EQ("write", MIB, pwrite(fd, buffer, MIB, piece * 2 * MIB));
	}
	CHECK_EQ("write the end", 5, pwrite(fd, "ended", 5, SIZE - 5));
}

static void check_file(int fd, unsigned seed)
{
	struct stat status;
	char end[6] = "";
	MUST(fstat(fd, &status));
	CHECK_EQ("size", SIZE, status.st_size);
	CHECK_EQ("blocks, without the holes", 1, status.st_blocks * 512 < (PIECES + 1) * MIB);
	for (long piece = 0; piece < PIECES; piece++) {
		CHECK_EQ("read", MIB, pread(fd, buffer, MIB, piece * 2 * MIB));
		check_fill("piece", buffer, MIB, seed + (unsigned)piece);
	}
	CHECK_EQ("read a hole", MIB, pread(fd, buffer, MIB, MIB));
	for (long at = 0; at < MIB; at++) CHECK(buffer[at] == 0, "a hole");
	CHECK_EQ("read the end", 5, pread(fd, end, 5, SIZE - 5));
	CHECK_STR("end", "ended", end);
}

int main(void)
{
	int memory = MUST(memfd_create("large", MFD_ALLOW_SEALING));
	fill_file(memory, 1);
	MUST(fcntl(memory, F_ADD_SEALS, F_SEAL_GROW));
	unsigned char *shared = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 2 * MIB));
	int file = MUST(open("/data/large", O_RDWR | O_CREAT | O_EXCL, 0600));
	fill_file(file, 100);
	unsigned char *private = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0));
	fill(private, 4096, 200);
	MUST(unlink("/data/large"));
	CHECK_EQ("seek", 77, lseek(file, 77, SEEK_SET));

	ready_and_wait();

	CHECK_EQ("position", 77, lseek(file, 0, SEEK_CUR));
	check_file(memory, 1);
	check_file(file, 100);
	CHECK_EQ("seals", F_SEAL_GROW, fcntl(memory, F_GET_SEALS));
	check_fill("a page written to", private, 4096, 200);
	fill(buffer, MIB, 100);
	CHECK(memcmp(private + 4096, buffer + 4096, 4096) == 0, "a page of the file");
	fill(shared, 4096, 201);
	CHECK_EQ("read what was mapped", 4096, pread(memory, buffer, 4096, 2 * MIB));
	check_fill("what was mapped", buffer, 4096, 201);
	pass();
}
