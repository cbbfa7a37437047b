/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the number of each round to each page of its memory, and fails as soon as one has another number than that
 * of the round before. Once /data/hold exists, it takes that away and pauses, until it can take away /data/move: then
 * memory that nobody has touched is moved behind these pages (mremap(2)), and the kernel joins the two. /data/count
 * (8 bytes) is the number of the round. The go is SIGTERM: PASS, exit status 42.
 */
#include "../../targets/target.h"

#define PAGE 4096ul
#define PAGES 2048ul
#define SPARE (16 * PAGE)

static char *map(unsigned long length)
{
	return MUST(mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

int main(void)
{
	const struct timespec no_time = { 0, 0 };
	int file = MUST(open("/data/count", O_RDWR | O_CREAT, 0600));
	char *spare = map(SPARE), *memory = map(PAGES * PAGE + 2 * SPARE);

	MUST(munmap(memory + PAGES * PAGE, 2 * SPARE));
	MUST(madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE));
	MUST(madvise(spare, SPARE, MADV_NOHUGEPAGE));
	for (unsigned long round = 1;; round++) {
		for (unsigned long page = 0; page < PAGES; page++) {
			unsigned long *word = (unsigned long *)(memory + page * PAGE);
			CHECK_EQ("a page", round - 1, *word);
			*word = round;
		}
		CHECK_EQ("file: bytes written", 8, pwrite(file, &round, 8, 0));
		if (round == 1) ready();
		if (unlink("/data/hold") == 0) {
			while (access("/data/move", F_OK) != 0)
				usleep(1000);
			MUST(mremap(spare, SPARE, SPARE, MREMAP_MAYMOVE | MREMAP_FIXED, memory + PAGES * PAGE));
			MUST(unlink("/data/move"));
		}
		if (sigtimedwait(&target_go, NULL, &no_time) == SIGTERM) break;
	}
	dprintf(1, "PASS\n");
	_exit(42);
}
