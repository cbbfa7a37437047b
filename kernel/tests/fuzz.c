// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls with random arguments, from several processes at once; some are chosen to make sense, so
 * that deeper code is reached. A worker that EXECs continues in what it finds there, or at a random
 * address and dies of it, and is replaced. The test passes if the kernel logs nothing, and
 * everything can be cleaned up.
 *
 * Usage: fuzz [SECONDS [SEED]] (default 5, and the time). With the same seed every worker draws the
 * same arguments; what the others have done by then depends on the scheduler.
 */
#include <grp.h>
#include <time.h>

#include "check.h"
#include "revive.h"

#define WORKERS 4
#define KNOWN 64
#define CALLS 64

/*
 * Shared by all workers, including those that have gone on in a VAS: they find it by its
 * descriptor.
 */
struct counts {
	long made[CALLS];
	long succeeded[CALLS];
	long revived;
};

static uint64_t lot;
static char *buffers;
static struct counts *counts;
static int counts_file;
static time_t end;

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

/* Ids that are in use. */
struct known {
	uint32_t ids[KNOWN];
	uint32_t count;
};

static struct known vases, segments;

static void learn_of(unsigned long list_call, struct known *known)
{
	struct mvas_list list = { .size = sizeof(list), .capacity = KNOWN };

	list.ids = (uintptr_t)known->ids;
	if (!call(list_call, &list))
		known->count = list.count < KNOWN ? list.count : KNOWN;
}

static void learn(void)
{
	learn_of(MVAS_LIST, &vases);
	learn_of(MVAS_SEG_LIST, &segments);
}

static uint32_t one_of(const struct known *known)
{
	return known->count && below(8) ? known->ids[below(known->count)] : small();
}

static uint32_t vas(void)
{
	return one_of(&vases);
}

static uint32_t segment(void)
{
	return one_of(&segments);
}

static void name(char *to)
{
	static const char *const names[] = { "", "a", "b", "c", "a/b", "..", "long" };
	const char *from = below(2) ? "" : names[below(7)];

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
		*fork = (struct mvas_fork){ .size = sizeof(*fork),
					    .mode = below(8) ? below(01000) & 0666 : below(01000) };
		fork->flags = call_number == _IOC_NR(MVAS_CAPTURE) ? 2 : below(3);
		fork->target = target(mem);
		if (below(3))
			name(fork->name);
		else
			*fork = (struct mvas_fork){ .size = sizeof(*fork),
						    .flags = fork->flags,
						    .target = fork->target,
						    .id = vas() };
		break;
	case _IOC_NR(MVAS_FIND):
	case _IOC_NR(MVAS_SEG_FIND):
		*(struct mvas_find *)arguments =
			(struct mvas_find){ .size = sizeof(struct mvas_find) };
		name(((struct mvas_find *)arguments)->name);
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

static void count(unsigned int call_number, bool succeeded)
{
	__atomic_fetch_add(&counts->made[call_number], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counts->succeeded[call_number], succeeded, __ATOMIC_RELAXED);
}

/* What has been made stands in the way of more. */
static void make_room(void)
{
	learn();
	for (int i = 0; i < 8; i++) {
		count(_IOC_NR(MVAS_DELETE), !vas_delete(vas()));
		count(_IOC_NR(MVAS_SEG_DELETE), !segment_delete(segment()));
	}
}

static int work(void);

/* The memory is the image's, the process the caller's. */
static int go_on(void)
{
	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, counts_file, 0);
	if (counts == MAP_FAILED)
		return 1;
	__atomic_fetch_add(&counts->revived, 1, __ATOMIC_RELAXED);
	lot += (uint64_t)counts->revived << 32;
	return work();
}

static void one_call(int mem)
{
	static const unsigned int sizes[] = { 16, 32, 56, 72, 272, 280, 296, 304, 320 };
	static uint64_t arguments[64];
	/* Where most of the code is. */
	static const unsigned int deep[] = {
		_IOC_NR(MVAS_FORK),
		_IOC_NR(MVAS_EXEC),
		_IOC_NR(MVAS_READ),
		_IOC_NR(MVAS_SEG_COPYIN),
	};
	/* 0 to 15 are for VASes, 33 to 42 for segments; 32 is none. */
	unsigned int call_number = below(27);
	int ret;

	call_number += call_number < 16 ? 0 : 16;
	if (below(2))
		call_number = deep[below(4)];
	/* A worker that has left its program is no longer useful. */
	if (call_number == _IOC_NR(MVAS_EXEC) && below(5)) {
		call_number = below(3) ? call_number : _IOC_NR(MVAS_SWITCH);
		/* go_on() reports success. */
		count(call_number, false);
		enter_image(MVAS_IOC(call_number), vas(), go_on);
		return;
	}
	for (unsigned int i = 0; i < 64; i++)
		arguments[i] = number();
	arguments[0] = below(10) ? sizes[below(9)] : number();
	if (below(4)) {
		arguments[0] = 320;
		sensible(call_number, arguments, mem);
	}
	ret = call(MVAS_IOC(call_number), arguments);
	count(call_number, !ret);
	if (ret == -ENOSPC)
		make_room();
}

static int work(void)
{
	/* Not all of them may open another worker's memory. */
	int mem = open_mem(geteuid() || below(2) ? getpid() : getppid());

	while (time(NULL) < end) {
		one_call(mem);
		if (!below(50))
			memset(buffers + below(16) * PAGE, (int)draw(), PAGE);
		if (!below(30))
			learn();
		/* Descriptors of segments. */
		if (!below(100))
			close_range(10, ~0u, 0);
		/* Another one takes over, with memory of its own. */
		if (!below(1000))
			break;
	}
	return 0;
}

/* Two are root, one is another user, one that user in a user namespace. */
static void become(int worker)
{
	if (worker < 2)
		return;
	if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		die("setresuid");
	if (worker == 3)
		unshare(CLONE_NEWUSER);
	/* Its own memory remains open to it. */
	prctl(PR_SET_DUMPABLE, 1);
}

static pid_t start(int worker, uint64_t seed)
{
	pid_t pid = fork();

	if (!pid) {
		lot = ((seed + ((uint64_t)worker << 40)) * 0x9e3779b97f4a7c15ull) | 1;
		freopen("/dev/null", "w", stdout);
		/* Workers may land on code that prints complaints. */
		freopen("/dev/null", "w", stderr);
		become(worker);
		_exit(work());
	}
	return pid;
}

/*
 * Keeps the workers at work until the time is up. A worker that has gone on somewhere may go on
 * forever, so those that are left are killed. Returns how many have ended.
 */
static int supervise(uint64_t seed)
{
	pid_t pids[WORKERS];
	int deaths = 0;

	for (int i = 0; i < WORKERS; i++)
		pids[i] = start(i, seed);
	while (time(NULL) < end + 3) {
		for (int i = 0; i < WORKERS; i++)
			if (waitpid(pids[i], NULL, WNOHANG) == pids[i] && time(NULL) < end)
				pids[i] = start(i, seed + (uint64_t)++deaths * 1000003);
		usleep(5000);
	}
	for (int i = 0; i < WORKERS; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return deaths;
}

/* Returns how many could not be deleted. */
static int clean_up(unsigned long list_call, int (*delete_one)(__u32))
{
	__u32 ids[256];
	struct mvas_list list = { .size = sizeof(list), .capacity = 256, .ids = (uintptr_t)ids };
	int failed = 0;

	if (call(list_call, &list))
		die("LIST");
	for (__u32 i = 0; i < list.count && i < 256; i++)
		failed += delete_one(ids[i]) != 0;
	return failed;
}

static long print_counts(void)
{
	long sum = 0;

	for (int i = 0; i < CALLS; i++) {
		if (!counts->made[i])
			continue;
		sum += counts->made[i];
		printf("# call %#x: %ld of %ld succeeded\n", i, counts->succeeded[i],
		       counts->made[i]);
	}
	return sum;
}

static void limit(const char *vas_limit, const char *bytes)
{
	write_text("/sys/module/mvas/parameters/max_vas", vas_limit);
	write_text("/sys/module/mvas/parameters/max_segs", vas_limit);
	write_text("/sys/module/mvas/parameters/max_bytes", bytes);
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 5;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
	struct mvas_info info = { .size = sizeof(info) };
	int deaths;
	long made;

	printf("# seed %lu, %d seconds\n", (unsigned long)seed, seconds);
	fflush(stdout);
	limit("64", "134217728");
	open_device();
	counts_file = memfd_create("counts", 0);
	if (ftruncate(counts_file, PAGE))
		die("memfd");
	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, counts_file, 0);
	if (counts == MAP_FAILED)
		die("mmap");
	/* Room around the random addresses, so that nothing of the program's own is hit. */
	buffers = (char *)map_memory(NULL, 64 * PAGE) + 16 * PAGE;
	fill(buffers, 16 * PAGE, 1);
	end = time(NULL) + seconds;
	deaths = supervise(seed);
	/* Their attachments end with it. */
	close(device);
	open_device();
	made = print_counts();
	check_result(clean_up(MVAS_LIST, vas_delete), 0, "every VAS that is left can be deleted");
	check_result(clean_up(MVAS_SEG_LIST, segment_delete), 0, "so can every segment");
	check(made > 100 && !call(MVAS_INFO, &info) && !info.vas_count && !info.seg_count &&
		      !info.bytes,
	      "nothing is left");
	printf("# %ld calls, %ld workers that went on in a VAS, %d that ended\n", made,
	       counts->revived, deaths);
	limit("4096", "0");
	return finish();
}
