/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes its memory endlessly, and fails as soon as any of it is not as it was left. Each worker has slots of
 * memory, which it writes to, protects, discards, frees, lets forks wipe, moves, resizes, maps anew, and passes on
 * to children. Every word of a page holds the page's ticket, drawn from a clock that all share; the worker keeps
 * the tickets elsewhere, and their sum on its stack. This detects memory that is not of one instant.
 *
 * Workers are threads; with CHILDREN=N in the environment, N of them are children instead, which live as long as
 * the program and begin with the memory of the first.
 *
 * /data/count (8 bytes) says how often the slowest worker has verified all of its memory. The go is SIGTERM: PASS,
 * exit status 42. In the environment, SEED is the seed of all randomness, BULK the number of pages that each
 * worker only writes to.
 */
#include "../../targets/target.h"

#include <pthread.h>

#define WORKERS 4
#define MOST_CHILDREN 64
#define SLOTS 40
#define MOST 32
#define PAGE 4096ul
#define WORDS (PAGE / 8)

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#define MADV_KEEPONFORK 19
#endif

struct slot {
	unsigned long *at;
	unsigned long pages;
	unsigned long *tickets; /* of each page; 0: it is zero */
	unsigned char *lax;     /* whether each may be zero instead */
	int prot;
	int wipes;
};

struct worker {
	pthread_t id;
	int number;
	unsigned long random, sum;
	struct slot slots[SLOTS];
};

/* Shared with children. */
struct shared {
	unsigned long ticket_clock;
	volatile unsigned long verified[1 + MOST_CHILDREN]; /* of each worker */
	volatile int stopping;
};

static struct worker workers[WORKERS];
static struct shared *shared;
static unsigned long seed;
static unsigned long bulk; /* pages of slot 0, which is only written to */

static unsigned long next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

static void *map(unsigned long size)
{
	return MUST(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void *map_shared(unsigned long size)
{
	return MUST(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static unsigned long word(unsigned long ticket, unsigned long i)
{
	return ticket ? ticket * 0x9e3779b97f4a7c15ul + i : 0;
}

static void check_page(struct worker *w, struct slot *s, unsigned long page)
{
	unsigned long ticket = s->tickets[page];
	volatile unsigned long *at = s->at + page * WORDS;

	if (ticket > __atomic_load_n(&shared->ticket_clock, __ATOMIC_SEQ_CST))
		FAIL("seed %lu worker %d: ticket %lu is of the future", seed, w->number, ticket);
	for (unsigned long i = 0; i < WORDS; i++) {
		unsigned long got = at[i];

		if (got == word(ticket, i) || (s->lax[page] && got == 0)) continue;
		FAIL("seed %lu worker %d slot %ld page %lu of %lu at %p: word %lu is %#lx, ticket %#lx", seed,
		     w->number, (long)(s - w->slots), page, s->pages, (void *)at, i, got, ticket);
	}
}

static void check_all(struct worker *w)
{
	unsigned long sum = 0;

	for (struct slot *s = w->slots; s < w->slots + SLOTS; s++)
		for (unsigned long page = 0; page < s->pages; page++) {
			sum += s->tickets[page];
			if (s->prot & PROT_READ) check_page(w, s, page);
		}
	if (sum != w->sum) FAIL("seed %lu worker %d: sum of tickets", seed, w->number);
}

static void set_ticket(struct worker *w, struct slot *s, unsigned long page, unsigned long ticket)
{
	w->sum += ticket - s->tickets[page];
	s->tickets[page] = ticket;
	s->lax[page] = s->wipes && ticket;
}

static void write_page(struct worker *w, struct slot *s, unsigned long page)
{
	unsigned long ticket = __atomic_add_fetch(&shared->ticket_clock, 1, __ATOMIC_SEQ_CST);
	volatile unsigned long *at = s->at + page * WORDS;

	check_page(w, s, page);
	for (unsigned long i = 0; i < WORDS; i++)
		at[i] = word(ticket, i);
	set_ticket(w, s, page, ticket);
}

static void write_some(struct worker *w, struct slot *s, unsigned long count)
{
	while (count-- > 0)
		write_page(w, s, next_random(w) % s->pages);
}

static void forget(struct worker *w, struct slot *s)
{
	for (unsigned long page = 0; page < s->pages; page++)
		set_ticket(w, s, page, 0);
}

static void map_slot(struct worker *w, struct slot *s, unsigned long pages)
{
	s->pages = pages;
	s->at = map(pages * PAGE);
	s->prot = PROT_READ | PROT_WRITE;
	s->wipes = 0;
	forget(w, s);
}

static void protect(struct slot *s, int prot)
{
	MUST(mprotect(s->at, s->pages * PAGE, prot));
	s->prot = prot;
}

static void resize(struct worker *w, struct slot *s, unsigned long pages)
{
	unsigned long before = s->pages;

	for (unsigned long page = pages; page < before; page++)
		set_ticket(w, s, page, 0);
	s->at = MUST(mremap(s->at, before * PAGE, pages * PAGE, MREMAP_MAYMOVE));
	s->pages = pages;
	for (unsigned long page = before; page < pages; page++)
		s->tickets[page] = s->lax[page] = 0;
}

static void move(struct slot *s)
{
	unsigned long size = s->pages * PAGE;
	void *to = map(size);

	s->at = MUST(mremap(s->at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to));
}

static void fork_child(struct worker *w)
{
	pid_t pid = MUST(fork());

	if (pid == 0) {
		check_all(w);
		for (int i = 0; i < 30; i++) {
			struct slot *s = w->slots + next_random(w) % SLOTS;
			if (s->prot & PROT_WRITE) write_some(w, s, 3);
		}
		check_all(w);
		_exit(0);
	}
	expect_exit(pid, 0);
}

static void *help(void *own)
{
	struct worker *w = own;

	write_some(w, w->slots, 10);
	return NULL;
}

static void change(struct worker *w)
{
	struct slot *s = w->slots + 1 + next_random(w) % (SLOTS - 1);
	unsigned long what = next_random(w) % 64;

	if (what < 2) {
		pthread_t id;

		CHECK_EQ("pthread_create", 0, pthread_create(&id, NULL, help, w));
		CHECK_EQ("pthread_join", 0, pthread_join(id, NULL));
	} else if (what == 2 && next_random(w) % 8 == 0) {
		fork_child(w);
	} else if (what < 24) {
		write_some(w, w->slots, 4);
	} else if (!(s->prot & PROT_WRITE)) {
		if (what < 40) protect(s, PROT_READ | PROT_WRITE);
	} else if (what < 44) {
		write_some(w, s, 4);
	} else if (what < 47) {
		protect(s, what == 46 ? PROT_READ : PROT_NONE);
	} else if (what < 50) {
		MUST(munmap(s->at, s->pages * PAGE));
		forget(w, s);
		map_slot(w, s, 1 + next_random(w) % MOST);
	} else if (what < 53) {
		MUST(madvise(s->at, s->pages * PAGE, MADV_DONTNEED));
		forget(w, s);
	} else if (what < 55) {
		MUST(madvise(s->at, s->pages * PAGE, MADV_FREE));
		memset(s->lax, 1, s->pages);
		write_some(w, s, 2);
	} else if (what < 57) {
		s->wipes = !s->wipes;
		MUST(madvise(s->at, s->pages * PAGE, s->wipes ? MADV_WIPEONFORK : MADV_KEEPONFORK));
		if (s->wipes) memset(s->lax, 1, s->pages);
	} else if (what < 60) {
		move(s);
	} else {
		resize(w, s, 1 + next_random(w) % MOST);
	}
}

static void *work(void *own)
{
	struct worker *w = own;

	for (unsigned long round = 1; !shared->stopping; round++) {
		struct timespec nap = { 0, 200000 };

		change(w);
		if (round % 16 == 0) nanosleep(&nap, NULL);
		if (round % 256 != 0) continue;
		check_all(w);
		shared->verified[w->number]++;
	}
	check_all(w);
	return NULL;
}

static void number_worker(struct worker *w, int number)
{
	w->number = number;
	w->random = (seed + 1) * 0x9e3779b97f4a7c15ul + number * 77;
}

static void prepare(struct worker *w, int number)
{
	number_worker(w, number);
	for (int i = 0; i < SLOTS; i++) {
		struct slot *s = w->slots + i;
		unsigned long pages = i == 0 ? bulk : 1 + next_random(w) % MOST;

		s->tickets = map((i == 0 ? bulk : MOST) * 8);
		s->lax = map(i == 0 ? bulk : MOST);
		map_slot(w, s, pages);
	}
	for (unsigned long page = 0; page < bulk; page++)
		write_page(w, w->slots, page);
}

static void start(struct worker *w)
{
	CHECK_EQ("pthread_create", 0, pthread_create(&w->id, NULL, work, w));
}

static pid_t start_child(struct worker *w, int number)
{
	pid_t pid = MUST(fork());

	if (pid > 0) return pid;
	number_worker(w, number);
	work(w);
	_exit(0);
}

static unsigned long number_from(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

int main(void)
{
	int file = MUST(open("/data/count", O_RDWR | O_CREAT, 0600));
	int children, threads, is_ready = 0;
	pid_t pids[MOST_CHILDREN];

	seed = number_from("SEED", 0);
	bulk = number_from("BULK", 3072);
	children = (int)number_from("CHILDREN", 0);
	threads = children ? 1 : WORKERS;
	if (children > MOST_CHILDREN) FAIL("CHILDREN: %d", children);
	shared = map_shared(sizeof(*shared));
	for (int i = 0; i < threads; i++)
		prepare(workers + i, i);
	for (int i = 0; i < children; i++)
		pids[i] = start_child(workers, 1 + i);
	for (int i = 0; i < threads; i++)
		start(workers + i);
	for (;;) {
		struct timespec nap = { 0, 2000000 };
		unsigned long least = shared->verified[0];

		for (int i = 1; i < threads + children; i++)
			if (shared->verified[i] < least) least = shared->verified[i];
		CHECK_EQ("file: bytes written", 8, pwrite(file, &least, 8, 0));
		if (least > 0 && !is_ready++) ready();
		if (sigtimedwait(&target_go, NULL, &nap) == SIGTERM) break;
	}
	shared->stopping = 1;
	for (int i = 0; i < threads; i++)
		CHECK_EQ("pthread_join", 0, pthread_join(workers[i].id, NULL));
	for (int i = 0; i < children; i++)
		expect_exit(pids[i], 0);
	dprintf(1, "PASS\n");
	_exit(42);
}
