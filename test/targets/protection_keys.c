/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory protection keys: of memory of all kinds, and rights of several threads; a key without memory, keys
 * that have been freed, one of them while memory has it.
 * @needs: cpu:ospke
 * @expect: restore
 */
#include "keys.h"
#include <pthread.h>

#define SIZE (64 * PAGE)
#define THREADS 4

enum { UNUSED = 1, NO_WRITES, GAP, NO_ACCESS, FREED, FILES, COUNT };

static const unsigned ALLOCATED = 1u << 0 | 1u << UNUSED | 1u << NO_WRITES | 1u << NO_ACCESS | 1u << FILES;

static pthread_barrier_t arrival, departure;
static unsigned char *read_only, *hidden, *freed, *shared, *of_file, *locked, *guarded;
static unsigned expected[THREADS + 1];

static void give(void *at, size_t size, int prot, int key)
{
	MUST(pkey_mprotect(at, size, prot, key));
	CHECK_EQ("key of memory at first", key, key_of(at));
}

static void take_rights(long index)
{
	static const unsigned RIGHTS[THREADS + 1] = {
		0, PKEY_DISABLE_ACCESS, PKEY_DISABLE_WRITE, PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE, 0};
	MUST(pkey_set(NO_WRITES, PKEY_DISABLE_WRITE));
	MUST(pkey_set(NO_ACCESS, RIGHTS[index]));
	if (index == 3) set_rights(0);
	expected[index] = get_rights();
}

static void *body(void *arg)
{
	long index = (long)arg;
	take_rights(index);
	pthread_barrier_wait(&arrival);
	pthread_barrier_wait(&departure);
	unsigned got = get_rights();
	if (got != expected[index]) FAIL("rights of thread %ld: %#x, not %#x", index, got, expected[index]);
	if (index == 1) {
		CHECK_EQ("a read is denied", NO_ACCESS, tries(hidden, 0));
		CHECK_EQ("a write is denied", NO_WRITES, tries(read_only, 1));
	}
	if (index == 2) CHECK_EQ("a read is not denied", 0, tries(hidden, 0));
	if (index == 2) CHECK_EQ("a write of a thread is denied", NO_ACCESS, tries(hidden, 1));
	return NULL;
}

static unsigned char *map_file(void)
{
	int fd = MUST(memfd_create("keys", MFD_CLOEXEC));
	MUST(ftruncate(fd, 2 * SIZE));
	unsigned char *at = MUST(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, SIZE));
	fill(at, PAGE, 4);
	return at;
}

int main(void)
{
	pthread_t threads[THREADS + 1];
	for (int key = 1; key < COUNT; key++) CHECK_EQ("a key", key, MUST(pkey_alloc(0, 0)));
	read_only = memory(SIZE), hidden = memory(SIZE), freed = memory(SIZE), locked = memory(SIZE);
	guarded = memory(SIZE);
	shared = MUST(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	of_file = map_file();
	fill(read_only, SIZE, 1), fill(hidden, SIZE, 2), fill(freed, SIZE, 3), fill(shared, SIZE, 5);
	fill(locked, SIZE, 6);
	MUST(mlock(locked, SIZE));
	give(read_only, SIZE, PROT_READ | PROT_WRITE, NO_WRITES);
	give(hidden + PAGE, SIZE - PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, NO_ACCESS);
	give(hidden, PAGE, PROT_READ | PROT_WRITE, NO_ACCESS);
	give(freed, SIZE, PROT_READ, FREED);
	give(shared, SIZE, PROT_READ | PROT_WRITE, FILES);
	give(of_file, SIZE, PROT_READ, FILES);
	give(locked, SIZE, PROT_READ | PROT_WRITE, NO_ACCESS);
	give(guarded, SIZE, PROT_NONE, NO_ACCESS);
	MUST(pkey_free(GAP));
	MUST(pkey_free(FREED));
	pthread_barrier_init(&arrival, NULL, THREADS + 1);
	pthread_barrier_init(&departure, NULL, THREADS + 1);
	for (long i = 1; i <= THREADS; i++)
		CHECK_EQ("pthread_create", 0, pthread_create(&threads[i], NULL, body, (void *)i));
	pthread_barrier_wait(&arrival);
	MUST(pkey_set(NO_ACCESS, PKEY_DISABLE_ACCESS));
	expected[0] = get_rights();
	CHECK_EQ("keys at first", ALLOCATED, allocated());

	ready_and_wait();

	CHECK_EQ("rights", expected[0], get_rights());
	CHECK_EQ("keys", ALLOCATED, allocated());
	pthread_barrier_wait(&departure);
	for (int i = 1; i <= THREADS; i++) CHECK_EQ("join", 0, pthread_join(threads[i], NULL));
	CHECK_EQ("key of memory that is not to be written to", NO_WRITES, key_of(read_only));
	CHECK_EQ("key of hidden memory", NO_ACCESS, key_of(hidden));
	CHECK_EQ("key of hidden code", NO_ACCESS, key_of(hidden + SIZE - 1));
	CHECK_EQ("key that was freed", FREED, key_of(freed));
	CHECK_EQ("key of shared memory", FILES, key_of(shared));
	CHECK_EQ("key of a file", FILES, key_of(of_file));
	CHECK_EQ("key of locked memory", NO_ACCESS, key_of(locked));
	CHECK_EQ("locked memory", SIZE / 1024, of_area(locked, "Locked: %ld"));
	CHECK_EQ("key of memory without access", NO_ACCESS, key_of(guarded));
	CHECK_EQ("a read of hidden memory is denied", NO_ACCESS, tries(hidden, 0));
	MUST(pkey_set(NO_ACCESS, 0));
	check_fill("memory that is not to be written to", read_only, SIZE, 1);
	check_fill("hidden memory", hidden, SIZE, 2);
	check_fill("memory with a key that was freed", freed, SIZE, 3);
	check_fill("a file", of_file, PAGE, 4);
	check_zero("the rest of a file", of_file + PAGE, SIZE - PAGE);
	check_fill("shared memory", shared, SIZE, 5);
	check_fill("locked memory", locked, SIZE, 6);
	CHECK_EQ("keys to be allocated", 0xffff & ~ALLOCATED, available());
	pass();
}
