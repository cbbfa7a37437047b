// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls with arguments drawn by lot, from several processes at once; some are taken from what makes
 * sense, so that deeper code is reached. Whoever EXECs goes on somewhere or dies of it, and is
 * replaced. What counts is that the kernel has nothing to say, and that all can be cleaned up.
 *
 * Usage: fuzz [SECONDS [SEED]] (default 5, and the time)
 */
#include <time.h>

#include "check.h"

#define WORKERS 4

static uint64_t lot;
static char *buffers;
static volatile long *calls;

static uint64_t draw(void)
{
	lot ^= lot << 13;
	lot ^= lot >> 7;
	lot ^= lot << 17;
	return lot;
}

static uint64_t below(uint64_t bound)
{
	return draw() % bound;
}

static uint64_t number(void)
{
	static const uint64_t odd[] = { 0,	   1,	    2,	       PAGE - 1, PAGE,
					PAGE + 1,  2 * MIB, 1ul << 31, ~0u,	 1ul << 47,
					1ul << 63, -PAGE,   ~0ul };

	switch (below(4)) {
	case 0:
		return odd[below(sizeof(odd) / sizeof(*odd))];
	case 1:
		return below(16);
	case 2:
		return (uintptr_t)buffers + below(16) * PAGE + (below(4) ? 0 : below(PAGE));
	default:
		return draw() >> below(64);
	}
}

static uint32_t small(void)
{
	return below(8) ? below(12) : (uint32_t)number();
}

/* Ids that are in use, of either kind. */
static uint32_t known_ids[16];

static void learn(void)
{
	struct mvas_list list = { .size = sizeof(list), .capacity = 8 };

	list.ids = (uintptr_t)known_ids;
	call(MVAS_LIST, &list);
	list.ids = (uintptr_t)(known_ids + 8);
	list.count = 0;
	call(MVAS_SEG_LIST, &list);
}

static uint32_t vas(void)
{
	return below(8) ? known_ids[below(8)] : small();
}

static uint32_t segment(void)
{
	return below(8) ? known_ids[8 + below(8)] : small();
}

static void name(char *to)
{
	static const char *const names[] = { "", "a", "b", "c", "a/b", "..", "long" };
	const char *from = names[below(7)];

	memset(to, 0, MVAS_NAME_SIZE);
	strcpy(to, from);
	if (!below(20))
		memset(to, 'x', MVAS_NAME_SIZE - below(2));
}

static int target(int mem)
{
	return below(3) ? (below(2) ? MVAS_TARGET_SELF : mem) : (int)small();
}

/* Fields that make sense, where there are any. */
static void sensible(unsigned int call_number, void *arguments, int mem)
{
	struct mvas_fork *fork = arguments;
	struct mvas_seg_create *create = arguments;
	struct mvas_seg_copyin *copy = arguments;
	struct mvas_read *read = arguments;

	switch (call_number) {
	case _IOC_NR(MVAS_FORK):
	case _IOC_NR(MVAS_CAPTURE):
		*fork = (struct mvas_fork){ .size = sizeof(*fork), .mode = below(01000) };
		fork->flags = call_number == _IOC_NR(MVAS_CAPTURE) ? 2 : below(3);
		fork->target = target(mem);
		fork->id = below(3) ? 0 : vas();
		name(fork->name);
		break;
	case _IOC_NR(MVAS_CREATE):
		*(struct mvas_create *)arguments =
			(struct mvas_create){ .size = sizeof(struct mvas_create), .mode = 0600 };
		name(((struct mvas_create *)arguments)->name);
		break;
	case _IOC_NR(MVAS_SEG_CREATE):
		*create = (struct mvas_seg_create){ .size = sizeof(*create), .mode = 0600 };
		create->start = below(2) ? 0 : 0x400000000000ul + below(4) * PAGE;
		create->length = (1 + below(16)) * PAGE;
		name(create->name);
		break;
	case _IOC_NR(MVAS_SEG_COPYIN):
		*copy = (struct mvas_seg_copyin){ .size = sizeof(*copy), .id = segment() };
		copy->vas_id = below(2) ? 0 : vas();
		copy->target = copy->vas_id ? 0 : target(mem);
		copy->address = (uintptr_t)buffers + below(20) * PAGE;
		copy->length = below(8) * PAGE;
		copy->offset = below(4) * PAGE;
		break;
	case _IOC_NR(MVAS_READ):
		*read = (struct mvas_read){ .size = sizeof(*read), .id = vas() };
		read->address = (uintptr_t)buffers + below(20 * PAGE);
		read->length = below(8 * PAGE);
		read->buffer = (uintptr_t)buffers + below(20 * PAGE);
		break;
	case _IOC_NR(MVAS_SEG_ATTACH):
	case _IOC_NR(MVAS_SEG_DETACH):
		*(struct mvas_seg_attach *)arguments = (struct mvas_seg_attach){
			.size = sizeof(struct mvas_seg_attach), .vas_id = vas(), .seg_id = segment()
		};
		if (call_number == _IOC_NR(MVAS_SEG_ATTACH))
			((struct mvas_seg_attach *)arguments)->access = below(4);
		break;
	default:
		((uint64_t *)arguments)[1] = (uint64_t)(call_number < 32 ? vas() : segment()) << 32;
		if (below(3))
			memset((char *)arguments + 16, 0, 304);
		if (below(2))
			((uint32_t *)arguments)[4] = below(3);
	}
}

static void one_call(int mem)
{
	static const unsigned int numbers[] = {
		0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12,
		13, 14, 15, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42
	};
	static const unsigned int sizes[] = { 16, 32, 56, 72, 272, 280, 296, 304, 320 };
	static uint64_t arguments[64];
	unsigned int call_number = numbers[below(26)];

	/* A worker that has left its program is of no more use. */
	if (call_number == _IOC_NR(MVAS_EXEC) && below(5))
		return;
	if ((call_number & 31) == _IOC_NR(MVAS_DELETE) && below(2))
		return;
	for (unsigned int i = 0; i < 64; i++)
		arguments[i] = number();
	arguments[0] = below(10) ? sizes[below(9)] : number();
	if (below(4)) {
		arguments[0] = 320;
		sensible(call_number, arguments, mem);
	}
	for (unsigned int tries = 0; tries < 9; tries++) {
		if (!tries || arguments[0] == 320)
			call(MVAS_IOC(call_number), arguments);
		arguments[0] = sizes[tries];
	}
	++*calls;
}

static void work(time_t end)
{
	int mem = open_mem(below(2) ? getpid() : getppid());

	while (time(NULL) < end) {
		one_call(mem);
		if (!below(50))
			memset(buffers + below(16) * PAGE, (int)draw(), PAGE);
		if (!below(30))
			learn();
		/* Descriptors of segments. */
		if (!below(100))
			close_range(10, ~0u, 0);
	}
	_exit(0);
}

static pid_t start(time_t end)
{
	pid_t pid = fork();

	if (!pid) {
		lot ^= (uint64_t)getpid() * 0x9e3779b97f4a7c15ull;
		freopen("/dev/null", "w", stdout);
		work(end);
	}
	return pid;
}

static void clean_up(void)
{
	__u32 ids[256];
	struct mvas_list list = { .size = sizeof(list), .capacity = 256, .ids = (uintptr_t)ids };

	if (call(MVAS_LIST, &list))
		die("LIST");
	for (__u32 i = 0; i < list.count && i < 256; i++)
		check_result(vas_delete(ids[i]), 0, "a VAS that is left can be deleted");
	list = (struct mvas_list){ .size = sizeof(list), .capacity = 256, .ids = (uintptr_t)ids };
	if (call(MVAS_SEG_LIST, &list))
		die("SEG_LIST");
	for (__u32 i = 0; i < list.count && i < 256; i++)
		check_result(segment_delete(ids[i]), 0, "a segment that is left can be deleted");
}

int main(int count, char **arguments)
{
	int seconds = count > 1 ? atoi(arguments[1]) : 5;
	struct mvas_info info = { .size = sizeof(info) };
	int deaths = 0;
	time_t end;

	lot = count > 2 ? strtoull(arguments[2], NULL, 0) : (uint64_t)time(NULL) << 20;
	lot |= 1;
	printf("# seed %#lx, %d seconds\n", (unsigned long)lot, seconds);
	write_text("/sys/module/mvas/parameters/max_vas", "64");
	write_text("/sys/module/mvas/parameters/max_segs", "64");
	write_text("/sys/module/mvas/parameters/max_bytes", "134217728");
	open_device();
	calls = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* Room around what is drawn, so that nothing of the program's own is hit. */
	buffers = (char *)map_memory(NULL, 64 * PAGE) + 16 * PAGE;
	fill(buffers, 16 * PAGE, 1);
	end = time(NULL) + seconds;
	for (int i = 0; i < WORKERS; i++)
		start(end);
	while (wait(NULL) > 0) {
		if (time(NULL) >= end)
			continue;
		deaths++;
		start(end);
	}
	/* With it go the attachments. */
	close(device);
	open_device();
	clean_up();
	check(*calls > 100 && !call(MVAS_INFO, &info) && !info.vas_count && !info.seg_count,
	      "after %ld rounds and %d workers that died of it, nothing is left", *calls, deaths);
	write_text("/sys/module/mvas/parameters/max_vas", "4096");
	write_text("/sys/module/mvas/parameters/max_segs", "4096");
	write_text("/sys/module/mvas/parameters/max_bytes", "0");
	return finish();
}
