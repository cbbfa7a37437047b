// SPDX-License-Identifier: GPL-2.0-only
/* CAPTURE: the memory of a process itself, which outlives it, whoever killed it. */
#include <poll.h>
#include <sys/ptrace.h>

#include "cgroup.h"

#define SIZE (4 * MIB)
#define PROCESS_MRELEASE 448

static char *memory;
static char *code;

/* A child, traced so that it stops when it has begun to die but still has its memory. */
static pid_t start(void)
{
	pid_t pid;
	int status;

	pid = fork();
	if (!pid) {
		fill(memory, SIZE, 1);
		if (mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			 open("/mnt/file", O_RDWR | O_CREAT, 0600), 0) == MAP_FAILED)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT))
		die("ptrace");
	if (waitpid(pid, &status, WUNTRACED) != pid)
		die("waitpid");
	return pid;
}

static int capture(int target, __u32 flags, __u32 *id)
{
	struct mvas_fork capture = {
		.size = sizeof(capture), .flags = flags, .target = target, .mode = 0600
	};
	int ret = call(MVAS_CAPTURE, &capture);

	*id = capture.id;
	return ret;
}

static __u32 state(__u32 id)
{
	struct mvas_attr attr;

	return vas_attr(id, &attr) ? 0 : attr.state;
}

static void wait_until_dying(pid_t pid)
{
	int status;

	do {
		if (waitpid(pid, &status, __WALL) != pid)
			die("waitpid");
	} while (WIFSTOPPED(status) && status >> 16 != PTRACE_EVENT_EXIT);
}

/* Kills it, and has the kernel take the memory of the dying process. */
static int release_dying(pid_t pid)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int ret;

	kill(pid, SIGKILL);
	wait_until_dying(pid);
	ret = syscall(PROCESS_MRELEASE, pidfd, 0) ? -errno : 0;
	close(pidfd);
	return ret;
}

static void bury(pid_t pid)
{
	ptrace(PTRACE_CONT, pid, 0, 0);
	wait_for(pid);
}

static long resident(pid_t pid)
{
	char path[64];
	long pages = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%*d %ld", &pages) != 1)
		die(path);
	fclose(file);
	return pages * (long)PAGE;
}

/* Shows that the test would notice. */
static void control(void)
{
	pid_t pid = start();
	int mem = open_mem(pid);
	int ret = release_dying(pid);
	__u32 id;

	check(!ret && resident(pid) < (long)SIZE,
	      "process_mrelease empties a dying process that is not captured (%d)", ret);
	check_result(vas_fork(mem, 0, &id), -EIO, "there is nothing left to FORK");
	close(mem);
	bury(pid);
}

static int exec_code(void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "code" };

	if (call(MVAS_FIND, &find))
		return 1;
	return -vas_exec(find.id, code, memory + PAGE);
}

static void kept(void)
{
	pid_t pid = start();
	int mem = open_mem(pid);
	__u32 id, other;

	check_result(capture(mem, 0, &id), -EINVAL, "CAPTURE keeps no file mapping");
	check_result(capture(mem, MVAS_FILES_DROP, &id), 0, "CAPTURE");
	check(vas_filled(id, memory, SIZE, 1), "the VAS has the memory of the process");
	check(state(id) == MVAS_STATE_IMAGE, "which is not settled while the process lives");
	check_result(capture(mem, MVAS_FILES_DROP, &other), -EBUSY, "it is CAPTUREd but once");
	check_result(vas_exec(id, code, memory), -EBUSY, "and cannot be executed");
	release_dying(pid);
	check(vas_filled(id, memory, SIZE, 1), "process_mrelease takes nothing of it");
	bury(pid);
	close(mem);
	check(vas_filled(id, memory, SIZE, 1), "nor does the end of the process");
	for (int i = 0; i < 3000 && !(state(id) & MVAS_STATE_SETTLED); i++)
		poll(NULL, 0, 10);
	check(state(id) == (MVAS_STATE_IMAGE | MVAS_STATE_SETTLED), "then it settles");
	check(!umount("/mnt"), "and keeps no filesystem busy");
	vas_delete(id);
}

static int capture_code(void)
{
	struct mvas_fork capture = {
		.size = sizeof(capture), .flags = MVAS_FILES_DROP, .mode = 0600, .name = "code"
	};

	capture.target = MVAS_TARGET_SELF;
	return call(MVAS_CAPTURE, &capture) ? 1 : 0;
}

static void executed(void)
{
	/* mov $60,%eax; mov $42,%edi; syscall */
	static const char exit_42[] = "\xb8\x3c\0\0\0\xbf\x2a\0\0\0\x0f\x05";
	struct mvas_find find = { .size = sizeof(find), .name = "code" };

	memcpy(code, exit_42, sizeof(exit_42));
	mprotect(code, PAGE, PROT_READ | PROT_EXEC);
	check_result(in_child(capture_code), 0, "CAPTURE of oneself before the end");
	check_result(in_child(exec_code), 42, "can be executed at once when that has come");
	check_result(in_child(exec_code), 42, "and again");
	check(!call(MVAS_FIND, &find) && !vas_delete(find.id), "DELETE");
}

/*
 * A child that the OOM killer has killed, stopped like the others. Two seconds later the kernel
 * begins to take its memory, long after it would normally have died by itself.
 */
static pid_t start_oom_killed(const char *cgroup, int *mem)
{
	int go[2];
	pid_t pid;
	char byte;

	cgroup_make(cgroup, "12582912");
	if (pipe(go))
		die("pipe");
	pid = fork();
	if (!pid) {
		cgroup_enter(cgroup);
		fill(memory, SIZE, 1);
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(eat());
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT))
		die("ptrace");
	*mem = open_mem(pid);
	if (write(go[1], "", 1) != 1)
		die("pipe");
	close(go[0]);
	close(go[1]);
	wait_until_dying(pid);
	return pid;
}

/* The kernel takes the memory of killed processes in the order in which it has killed them. */
static void oom_reaped(void)
{
	pid_t pid, other;
	int mem, other_mem;
	__u32 id;

	cgroup_mount();
	pid = start_oom_killed("kept", &mem);
	check_result(capture(mem, MVAS_FILES_DROP, &id), 0,
		     "CAPTURE of a process that the OOM killer has killed");
	other = start_oom_killed("other", &other_mem);
	for (int i = 0; i < 1000 && resident(other) >= (long)SIZE; i++)
		poll(NULL, 0, 20);
	check(resident(other) < (long)SIZE, "the OOM reaper empties one that is not captured");
	check_result(capture(other_mem, MVAS_FILES_DROP, &(__u32){ 0 }), -EIO,
		     "which is too late to CAPTURE");
	check(vas_filled(id, memory, SIZE, 1), "it takes nothing of a VAS");
	bury(pid);
	bury(other);
	close(mem);
	close(other_mem);
	check(cgroup_remove("kept") && cgroup_remove("other"), "both cgroups can be removed");
	check(vas_filled(id, memory, SIZE, 1), "the VAS outlives its cgroup");
	check_result(vas_delete(id), 0, "DELETE");
	umount("/tmp/cgroup");
}

int main(void)
{
	open_device();
	memory = map_memory(NULL, SIZE);
	code = map_memory(NULL, PAGE);
	if (mount("files", "/mnt", "tmpfs", 0, NULL))
		die("mount");
	control();
	kept();
	oom_reaped();
	executed();
	return finish();
}
