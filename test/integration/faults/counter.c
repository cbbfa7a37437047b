/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts endlessly, in registers, in memory, in a file and by messages to a child process, and fails as soon as
 * two of the counts differ, a register, a signal mask or a byte of memory is not as it was left, or a call that
 * nothing may interrupt is interrupted. A second thread sleeps and counts on its own. MEGABYTES of memory
 * (environment, default 1) are filled and checked a page at a time.
 *
 * The count is in /data/count, 8 bytes, written once a round. The go is SIGTERM: PASS, exit status 42. With the
 * argument `probe` it does none of this, and ends after 100 ms.
 */
#include "../../targets/target.h"

#include <pthread.h>
#include <sched.h>

#define SPINS 30000
#define PAGE 4096
#define WORDS (PAGE / 8)

struct registers {
	unsigned char xmm[16][16];
	unsigned long general[8];
};

static volatile unsigned long slept;

/* Loads all registers from `in`, counts in the general ones, and stores them all to `out`. */
static void spin(const struct registers *in, struct registers *out, unsigned long spins)
{
#define LOAD(i, at) "movdqu " #at "(%[in]), %%xmm" #i "\n\t"
#define STORE(i, at) "movdqu %%xmm" #i ", " #at "(%[out])\n\t"
#define GET(r, at) "mov " #at "(%[in]), %%" #r "\n\t"
#define PUT(r, at) "mov %%" #r ", " #at "(%[out])\n\t"
#define INC(r) "inc %%" #r "\n\t"
	__asm__ volatile(
		LOAD(0, 0) LOAD(1, 16) LOAD(2, 32) LOAD(3, 48) LOAD(4, 64) LOAD(5, 80) LOAD(6, 96) LOAD(7, 112)
		LOAD(8, 128) LOAD(9, 144) LOAD(10, 160) LOAD(11, 176) LOAD(12, 192) LOAD(13, 208) LOAD(14, 224)
		LOAD(15, 240)
		GET(r8, 256) GET(r9, 264) GET(r10, 272) GET(r11, 280) GET(r12, 288) GET(r13, 296) GET(r14, 304)
		GET(r15, 312)
		"1:\n\t"
		INC(r8) INC(r9) INC(r10) INC(r11) INC(r12) INC(r13) INC(r14) INC(r15)
		"dec %[spins]\n\t"
		"jnz 1b\n\t"
		STORE(0, 0) STORE(1, 16) STORE(2, 32) STORE(3, 48) STORE(4, 64) STORE(5, 80) STORE(6, 96)
		STORE(7, 112) STORE(8, 128) STORE(9, 144) STORE(10, 160) STORE(11, 176) STORE(12, 192)
		STORE(13, 208) STORE(14, 224) STORE(15, 240)
		PUT(r8, 256) PUT(r9, 264) PUT(r10, 272) PUT(r11, 280) PUT(r12, 288) PUT(r13, 296) PUT(r14, 304)
		PUT(r15, 312)
		: [spins] "+r"(spins)
		: [in] "r"(in), [out] "r"(out)
		: "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
		  "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
		  "memory", "cc");
}

static void check_registers(unsigned long count)
{
	struct registers in, out;

	for (unsigned i = 0; i < sizeof(in.xmm); i++)
		((unsigned char *)in.xmm)[i] = (unsigned char)(count * 7 + i);
	for (unsigned long i = 0; i < 8; i++)
		in.general[i] = count << (i + 3);
	spin(&in, &out, SPINS);
	CHECK(memcmp(in.xmm, out.xmm, sizeof(in.xmm)) == 0, "vector registers");
	for (unsigned long i = 0; i < 8; i++)
		CHECK_EQ("a general register", (count << (i + 3)) + SPINS, out.general[i]);
}

static void check_mask(const char *who, int blocked)
{
	sigset_t now;

	MUST(sigprocmask(SIG_SETMASK, NULL, &now));
	for (int i = 1; i < 65; i++) {
		if (i == 32 || i == 33) continue; /* libc's own, which it hides */
		int want = i == SIGTERM || i == blocked;
		if (sigismember(&now, i) != want) FAIL("%s: signal %d is %sblocked", who, i, want ? "not " : "");
	}
}

static void block(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
}

static void *sleeper(void *unused)
{
	block(SIGUSR2);
	for (;;) {
		struct timespec before, after, time = { 0, 3000000 };
		MUST(clock_gettime(CLOCK_MONOTONIC, &before));
		int error = clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
		CHECK_EQ("an undisturbed sleep", 0, error);
		MUST(clock_gettime(CLOCK_MONOTONIC, &after));
		long ns = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
		if (ns < 3000000) FAIL("slept %ld ns, not 3 ms", ns);
		check_mask("sleeper", SIGUSR2);
		slept++;
	}
	return NULL;
}

/* Answers each number with the next one; the numbers must have no gap. */
static void echo(int in, int out)
{
	unsigned long expected = 1, got;

	block(SIGUSR1);
	for (;;) {
		ssize_t length = read(in, &got, sizeof(got));
		if (length == 0) _exit(0);
		CHECK_EQ("child: bytes read", sizeof(got), length);
		CHECK_EQ("child: number", expected, got);
		check_mask("child", SIGUSR1);
		expected++;
		CHECK_EQ("child: bytes written", sizeof(expected), write(out, &expected, sizeof(expected)));
	}
}

static unsigned long word(unsigned long page, unsigned long count)
{
	return (page * 0x9e3779b97f4a7c15ul) ^ (count * 0xbf58476d1ce4e5b9ul);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "probe") == 0) {
		usleep(100000);
		return 0;
	}
	const char *size = getenv("MEGABYTES");
	unsigned long pages = (size ? strtoul(size, NULL, 10) : 1) * 256;
	int down[2], up[2];
	pthread_t thread;

	int file = MUST(open("/data/count", O_RDWR | O_CREAT, 0600));
	MUST(pipe(down));
	MUST(pipe(up));
	if (MUST(fork()) == 0) {
		close(down[1]);
		close(up[0]);
		echo(down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	unsigned long *memory = MUST(mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	unsigned long *counts = MUST(mmap(NULL, pages * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (unsigned long page = 0; page < pages; page++)
		for (unsigned i = 0; i < WORDS; i++)
			memory[page * WORDS + i] = word(page, 0);
	if (pthread_create(&thread, NULL, sleeper, NULL) != 0) FAIL("pthread_create");

	for (unsigned long count = 1;; count++) {
		unsigned long page = count % pages, got = 0;
		struct timespec nap = { 0, 500000 };

		check_registers(count);
		for (unsigned i = 0; i < WORDS; i++)
			CHECK_EQ("memory", word(page, counts[page]), memory[page * WORDS + i]);
		counts[page] = count;
		for (unsigned i = 0; i < WORDS; i++)
			memory[page * WORDS + i] = word(page, count);
		if (count > 1) {
			CHECK_EQ("file: bytes read", 8, pread(file, &got, 8, 0));
			CHECK_EQ("file", count - 1, got);
		}
		CHECK_EQ("file: bytes written", 8, pwrite(file, &count, 8, 0));
		CHECK_EQ("message: bytes written", 8, write(down[1], &count, 8));
		CHECK_EQ("message: bytes read", 8, read(up[0], &got, 8));
		CHECK_EQ("message", count + 1, got);
		check_mask("main", SIGTERM);
		CHECK_EQ("an undisturbed nap", 0, nanosleep(&nap, NULL));
		if (count == 1) ready();
		struct timespec no_time = { 0, 0 };
		if (sigtimedwait(&target_go, NULL, &no_time) == SIGTERM) break;
	}
	CHECK(slept > 0, "the other thread runs");
	dprintf(1, "PASS\n");
	_exit(42);
}
