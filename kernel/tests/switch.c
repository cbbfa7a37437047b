// SPDX-License-Identifier: GPL-2.0-only
/* SWITCH, with the module's parameter `experimental`: a process in the VAS itself. */
#include <setjmp.h>

#include "check.h"

static volatile int counter;
static volatile __u32 image;
static jmp_buf home;
static char inside_stack[65536] __attribute__((aligned(16)));
static char home_stack[65536] __attribute__((aligned(16)));
static int to_parent[2], to_child[2];

static int switch_to(__u32 id, void *ip, char *stack)
{
	struct mvas_exec exec = { .size = sizeof(exec), .id = id };

	exec.ip = (uintptr_t)ip;
	exec.sp = stack ? (uintptr_t)stack + 65536 - 8 : 0;
	return call(MVAS_SWITCH, &exec);
}

static __u32 active(void)
{
	struct mvas_id id = { .size = sizeof(id) };

	return call(MVAS_ACTIVE, &id) ? ~0u : id.id;
}

static void come_home(void)
{
	longjmp(home, 1);
}

/* Runs in the VAS: what it writes stays there. */
static void inside(void)
{
	counter++;
	if (!active())
		_exit(50);
	_exit(51 - switch_to(0, come_home, home_stack));
}

/* Whether the process went there and came back. */
static bool visit(void)
{
	if (setjmp(home))
		return true;
	switch_to(image, inside, inside_stack);
	return false;
}

static int counted(void)
{
	int value = -1;

	return vas_read(image, (void *)&counter, &value, sizeof(value), NULL) ? -1 : value;
}

static int attach(__u32 access)
{
	struct mvas_attach attach = { .size = sizeof(attach), .id = image, .access = access };

	return call(MVAS_ATTACH, &attach);
}

static int detach(void)
{
	struct mvas_attach detach = { .size = sizeof(detach), .id = image };

	return call(MVAS_DETACH, &detach);
}

static void stay(void)
{
	char byte;

	if (write(to_parent[1], "", 1) != 1 || read(to_child[0], &byte, 1) != 1)
		_exit(52);
	_exit(active() == 0 ? 53 : 0);
}

/* An open file of the process's own, with the number that the image knows. */
static void open_own_device(void)
{
	int number = device;

	open_device();
	dup2(device, number);
	close(device);
	device = number;
}

/* Attaches the VAS by an open file of its own, goes there, and ends there. */
static int dweller(void)
{
	open_own_device();
	if (attach(O_RDWR))
		return 54;
	return 60 - switch_to(image, stay, inside_stack);
}

static int switch_now(void)
{
	open_own_device();
	if (attach(O_RDWR))
		return 54;
	return -switch_to(image, stay, inside_stack);
}

static void occupied(void)
{
	pid_t pid = fork();
	char byte;

	if (!pid)
		_exit(dweller());
	close(to_parent[1]);
	if (read(to_parent[0], &byte, 1) != 1)
		die("dweller");
	check_result(in_child(switch_now), EBUSY, "one process at a time");
	check_result(vas_exec(image, inside, inside_stack), -EBUSY, "no EXEC meanwhile");
	check_result(vas_delete(image), -EBUSY, "no DELETE");
	if (write(to_child[1], "", 1) != 1)
		die("pipe");
	check_result(wait_for(pid), 0, "a process may end in a VAS");
	check_result(counted(), 2, "which is as it left it");
}

static int switch_unprivileged(void)
{
	if (setresuid(1000, 1000, 1000))
		return 55;
	return -switch_to(image, stay, inside_stack);
}

/* A child that goes there by the open file inherited from its parent. */
static void shared_file(void)
{
	pid_t pid = fork();
	char byte;

	if (!pid)
		_exit(60 - switch_to(image, stay, inside_stack));
	if (read(to_parent[0], &byte, 1) != 1)
		die("child");
	check_result(detach(), -EBUSY, "no DETACH while another is there by the same open file");
	check_result(vas_delete(image), -EBUSY, "nor DELETE");
	if (write(to_child[1], "", 1) != 1)
		die("pipe");
	check_result(wait_for(pid), 0, "until it ends");
}

int main(void)
{
	open_device();
	if (pipe(to_parent) || pipe(to_child))
		die("pipe");
	fflush(stdout);
	__u32 id;

	check_result(vas_fork(MVAS_TARGET_SELF, MVAS_FILES_WHOLE, &id), 0, "FORK");
	image = id;
	check_result(switch_to(image, inside, inside_stack), -ENOENT, "SWITCH needs ATTACH");
	attach(O_RDONLY);
	check_result(switch_to(image, inside, inside_stack), -EACCES, "for reading and writing");
	detach();
	attach(O_RDWR);
	check_result(switch_to(0, NULL, NULL), -EINVAL, "no way back without a way there");
	check(active() == 0 && counted() == 0, "ACTIVE: none");
	/* The image was taken before it knew its own id. */
	check(visit(), "SWITCH to the VAS, and back");
	check(active() == 0 && counter == 0 && counted() == 1, "what was written is in the VAS");
	check(visit() && counted() == 2, "also the second time");
	check_result(in_child(switch_unprivileged), EPERM, "SWITCH needs CAP_SYS_RESOURCE");
	shared_file();
	check_result(detach(), 0, "DETACH");
	occupied();
	check_result(vas_delete(image), 0, "DELETE");
	return finish();
}
