/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets of memory protection keys share. */
#ifndef KEYS_H
#define KEYS_H

#include "target.h"
#include <setjmp.h>
#include <sys/syscall.h>

#define KEYS 16
#define PAGE 4096

static inline unsigned get_rights(void)
{
	unsigned low, high;
	__asm__ volatile("rdpkru" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

static inline void set_rights(unsigned rights)
{
	__asm__ volatile("wrpkru" : : "a"(rights), "c"(0), "d"(0) : "memory");
}

/* The rights of a key among those of all. */
static unsigned rights_to(int key, unsigned rights)
{
	return rights << (2 * key);
}

/* Whether the process may use a key; changes nothing. */
static int is_allocated(int key)
{
	long result = syscall(SYS_pkey_mprotect, 0xffffffffffff0000, PAGE, PROT_READ, key);
	if (result != -1 || (errno != EINVAL && errno != ENOMEM)) FAIL("ask for key %d", key);
	return errno == ENOMEM;
}

static unsigned allocated(void)
{
	unsigned keys = 0;
	for (int key = 0; key < KEYS; key++)
		if (is_allocated(key)) keys |= 1u << key;
	return keys;
}

/*
 * Keys that can still be allocated. The kernel's own, for memory that may only be executed, is neither among
 * these nor among those above. Changes rights.
 */
static unsigned available(void)
{
	unsigned keys = 0;
	int key;
	while ((key = pkey_alloc(0, 0)) >= 0) keys |= 1u << key;
	CHECK_EQ("no more keys", ENOSPC, errno);
	for (key = 0; key < KEYS; key++)
		if (keys & (1u << key)) MUST(pkey_free(key));
	return keys;
}

/* A line of /proc/self/smaps about an area. */
static long of_area(const void *at, const char *format)
{
	char line[512];
	unsigned long start, end;
	long value = -1;
	int found = 0;
	FILE *smaps = fopen("/proc/self/smaps", "re");
	CHECK(smaps, "smaps");
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			found = (unsigned long)at >= start && (unsigned long)at < end;
		else if (found && sscanf(line, format, &value) == 1)
			break;
	}
	fclose(smaps);
	return value;
}

static int key_of(const void *at)
{
	return (int)of_area(at, "ProtectionKey: %ld");
}

static __thread sigjmp_buf denied;
static __thread volatile int denied_key;

static void on_denied(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	denied_key = info->si_code == SEGV_PKUERR ? (int)info->si_pkey : -1;
	siglongjmp(denied, 1);
}

/* The key because of which an access fails; 0: it does not fail. Handles SIGSEGV from then on. */
static int tries(volatile unsigned char *at, int writes)
{
	struct sigaction action = {.sa_sigaction = on_denied, .sa_flags = SA_SIGINFO};
	unsigned rights = get_rights();
	MUST(sigaction(SIGSEGV, &action, NULL));
	denied_key = 0;
	if (sigsetjmp(denied, 1) == 0) {
		unsigned char byte = *at;
		if (writes) *at = byte;
	}
	set_rights(rights);
	return denied_key;
}

static unsigned char *memory(size_t size)
{
	return MUST(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* Code that returns a number, in memory of its own that may still be written to. */
static unsigned char *code(int number)
{
	unsigned char text[] = {0xb8, 0, 0, 0, 0, 0xc3};
	unsigned char *at = memory(PAGE);
	memcpy(text + 1, &number, sizeof(number));
	memcpy(at, text, sizeof(text));
	return at;
}

static int run(const void *at)
{
	return ((int (*)(void))at)();
}

#endif
