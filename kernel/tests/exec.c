// SPDX-License-Identifier: GPL-2.0-only
/* EXEC: processes that continue in a duplicate of a VAS. */
#include <pthread.h>

#include "check.h"
#include "leak.h"
#include "revive.h"

#define SIZE (4 * MIB)

static char *memory;
static int generation;

/* What must work in a revived process, with the libc that it has in the image. */
static int revived(void)
{
	char *more = map_memory(NULL, MIB);
	void *allocated = malloc(300000);
	pid_t pid;
	int fd;

	if (!filled(memory, SIZE, 1))
		return 1;
	fill(memory, SIZE / 2, 2);
	if (!filled(memory, SIZE / 2, 2))
		return 2;
	if (madvise(memory, PAGE, MADV_DONTNEED) || memory[0] || memory[PAGE - 1])
		return 3;
	if (!allocated || madvise(memory + PAGE, PAGE, MADV_FREE) ||
	    mprotect(more, PAGE, PROT_READ))
		return 4;
	pid = fork();
	if (!pid)
		_exit(filled(more, 8, 0) ? 1 : 42);
	if (wait_for(pid) != 42)
		return 5;
	fd = open("/proc/self/exe", O_RDONLY);
	if (fd < 0)
		return 6;
	return 0;
}

static __u32 image;

static int exec_image(void)
{
	return revive(image, revived);
}

static int worst;

static void exec_in_child(void)
{
	int ret = in_child(exec_image);

	if (ret)
		worst = ret;
}

static void again_and_again(void)
{
	check_no_leak(exec_in_child, "sixty execs");
	check_result(worst, 0, "every process finds all as it was");
	check(vas_filled(image, memory, SIZE, 1), "the VAS stays as it was");
}

/* The process that had the memory is long gone. */
static int make_image(void)
{
	struct mvas_fork fork = {
		.size = sizeof(fork), .flags = MVAS_FILES_WHOLE, .mode = 0600, .name = "orphan"
	};

	fork.target = MVAS_TARGET_SELF;
	fill(memory, SIZE, 1);
	return call(MVAS_FORK, &fork) ? 1 : 0;
}

static int second_generation(void)
{
	generation++;
	return generation == 2 && filled(memory, SIZE, 1) ? 0 : 1;
}

static int first_generation(void)
{
	__u32 id;

	generation++;
	if (vas_fork(MVAS_TARGET_SELF, 0, &id))
		return 2;
	return revive(id, second_generation);
}

static int exec_first_generation(void)
{
	return revive(image, first_generation);
}

static void delete_all(void)
{
	__u32 ids[64];
	struct mvas_list list = { .size = sizeof(list), .capacity = 64, .ids = (uintptr_t)ids };

	if (call(MVAS_LIST, &list))
		die("LIST");
	for (__u32 i = 0; i < list.count && i < 64; i++)
		vas_delete(ids[i]);
}

static int registers(void)
{
	return revived_xmm == 0x1234567890abcdef && revived_rax == 0 ? 0 : 1;
}

static int exec_registers(void)
{
	return revive(image, registers);
}

static int is_private(void)
{
	return prctl(PR_GET_DUMPABLE) ? 1 : 0;
}

static int exec_private(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	return revive(image, is_private);
}

static void *idle(void *nothing)
{
	pause();
	return nothing;
}

static int exec_threaded(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, idle, NULL))
		return 1;
	return -revive(image, revived);
}

static int exec_now(void *nothing)
{
	(void)nothing;
	_exit(-revive(image, revived));
}

static int clone_shared(int flags)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid;

	fflush(stdout);
	pid = clone(exec_now, stack + sizeof(stack), flags | SIGCHLD, NULL);
	return pid < 0 ? -1 : wait_for(pid);
}

static int exec_io_uring(void)
{
	char parameters[120] = { 0 };

	if (syscall(425, 4, parameters) < 0)
		return EBUSY;
	return -revive(image, revived);
}

static void refusals(void)
{
	check_result(in_child(exec_threaded), EBUSY, "a process with threads is EBUSY");
	check_result(clone_shared(CLONE_VM), EBUSY, "one that shares its memory is EBUSY");
	check_result(clone_shared(CLONE_VM | CLONE_VFORK), EBUSY, "a vfork child is EBUSY");
	check_result(in_child(exec_io_uring), EBUSY, "one that uses io_uring is EBUSY");
	check_result(vas_exec(image, (void *)-8l, memory), -ENXIO, "ip in the kernel is ENXIO");
	check_result(vas_exec(image, memory, (void *)(1ul << 60)), -ENXIO,
		     "sp past user space too");
	check_result(vas_exec(image + 1000, memory, memory), -ENOENT, "an unknown VAS is ENOENT");
	check(filled(memory, SIZE, 1), "and the process goes on as it was");
}

static int exec_nowhere(void)
{
	vas_exec(image, (void *)16, (void *)16);
	return 1;
}

int main(void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "orphan" };

	open_device();
	memory = map_memory(NULL, SIZE);
	fill(memory, SIZE, 1);
	check_result(vas_fork(MVAS_TARGET_SELF, MVAS_FILES_WHOLE, &image), 0, "FORK of oneself");
	again_and_again();
	check_result(in_child(exec_registers), 0, "registers of the caller stay, also xmm");
	check_result(in_child(exec_private), 0, "who is not dumpable stays so");
	check_result(in_child(exec_first_generation), 0, "a revived process is forked and revived");
	check_result(in_child(exec_nowhere), 1000 + SIGSEGV, "a bad ip is the process's own fault");
	refusals();
	fill(memory, SIZE, 5);
	check_result(in_child(make_image), 0, "FORK of a process that ends");
	image = call(MVAS_FIND, &find) ? 0 : find.id;
	check_result(in_child(exec_image), 0, "its VAS is revived in a process with other memory");
	delete_all();
	return finish();
}
