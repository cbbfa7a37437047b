// SPDX-License-Identifier: GPL-2.0-only
/* Calls at the same time on the same objects: only a fitting errno or success. */
#include "check.h"
#include "revive.h"

#define SIZE (256 * 1024ul)
#define ROUNDS 60

static char *memory;

static int find(const char *name)
{
	struct mvas_find find = { .size = sizeof(find) };

	strncpy(find.name, name, sizeof(find.name) - 1);
	return call(MVAS_FIND, &find) ? 0 : find.id;
}

static bool one_of(int ret, int first, int second)
{
	return !ret || ret == first || ret == second;
}

/* Makes the VAS "race", and deletes it. */
static int maker(void)
{
	struct mvas_fork fork;
	int ret;

	for (int i = 0; i < ROUNDS; i++) {
		fork = (struct mvas_fork){
			.size = sizeof(fork),
			.flags = MVAS_FILES_WHOLE,
			.target = MVAS_TARGET_SELF,
			.mode = 0600,
			.name = "race",
		};
		ret = call(MVAS_FORK, &fork);
		if (!one_of(ret, -EEXIST, -ENOENT))
			return 1;
		if (!ret && !one_of(vas_delete(fork.id), -EBUSY, -ENOENT))
			return 2;
	}
	return 0;
}

static int right(void)
{
	return filled(memory, SIZE, 1) ? 0 : 3;
}

static int executor(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();
		int ret;

		if (!pid) {
			ret = revive(find("race"), right);
			_exit(ret == -ENOENT || ret == -ENODATA || ret == -EBUSY ? 0 : 4);
		}
		ret = wait_for(pid);
		if (ret)
			return ret;
	}
	return 0;
}

static int reader(void)
{
	char *copy = malloc(SIZE);
	__u64 done;

	for (int i = 0; i < 10 * ROUNDS; i++) {
		struct mvas_attr attr;
		int id = find("race");
		int ret = vas_read(id, memory, copy, SIZE, &done);

		if (!one_of(ret, -ENOENT, -ENODATA) || (!ret && !filled(copy, done, 1)))
			return 5;
		if (!one_of(vas_attr(id, &attr), -ENOENT, -ENOENT))
			return 6;
		if (!ret)
			vas_delete(id);
	}
	return 0;
}

static int attacher(void)
{
	for (int i = 0; i < 10 * ROUNDS; i++) {
		struct mvas_attach attach = { .size = sizeof(attach), .access = O_RDWR };
		struct mvas_attach detach = { .size = sizeof(detach) };

		attach.id = detach.id = find("race");
		if (!call(MVAS_ATTACH, &attach) && call(MVAS_DETACH, &detach))
			return 7;
	}
	return 0;
}

static int lister(void)
{
	for (int i = 0; i < 5 * ROUNDS; i++)
		if (system("cat /sys/kernel/vas/*/* >/dev/null 2>&1") < 0)
			return 8;
	return 0;
}

/* A caller that is killed at some moment. */
static int killer(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();
		__u32 id;

		if (!pid)
			for (;;)
				if (!vas_fork(MVAS_TARGET_SELF, MVAS_FILES_WHOLE, &id))
					vas_delete(id);
		usleep(1000 * (i % 20));
		kill(pid, SIGKILL);
		if (wait_for(pid) != 1000 + SIGKILL)
			return 9;
	}
	return 0;
}

static int segment_racer(void)
{
	for (int i = 0; i < 10 * ROUNDS; i++) {
		struct mvas_seg_attach attach = { .size = sizeof(attach), .access = O_RDWR };
		__u32 id;
		int fd;

		if (segment_create("race", 0x300000000000ul, MIB, &id))
			id = 1;
		attach.vas_id = find("race");
		attach.seg_id = id;
		call(MVAS_SEG_ATTACH, &attach);
		fd = segment_open(id, O_RDWR);
		if (fd >= 0)
			close(fd);
		attach.access = 0;
		call(MVAS_SEG_DETACH, &attach);
		segment_delete(id);
	}
	return 0;
}

static void clean_up(void)
{
	__u32 ids[64];
	struct mvas_list list = { .size = sizeof(list), .capacity = 64, .ids = (uintptr_t)ids };

	if (call(MVAS_LIST, &list))
		die("LIST");
	for (__u32 i = 0; i < list.count && i < 64; i++)
		vas_delete(ids[i]);
	list = (struct mvas_list){ .size = sizeof(list), .capacity = 64, .ids = (uintptr_t)ids };
	if (call(MVAS_SEG_LIST, &list))
		die("SEG_LIST");
	for (__u32 i = 0; i < list.count && i < 64; i++)
		segment_delete(ids[i]);
}

int main(void)
{
	static const struct {
		const char *what;
		int (*function)(void);
	} parts[] = {
		{ "FORK and DELETE", maker },
		{ "more of it", maker },
		{ "EXEC", executor },
		{ "READ, GETATTR, DELETE", reader },
		{ "ATTACH and DETACH", attacher },
		{ "sysfs", lister },
		{ "FORK by callers that are killed", killer },
		{ "segments", segment_racer },
	};
	const int count = sizeof(parts) / sizeof(*parts);
	struct mvas_info info = { .size = sizeof(info) };
	pid_t pids[sizeof(parts) / sizeof(*parts)];

	open_device();
	memory = map_memory(NULL, SIZE);
	fill(memory, SIZE, 1);
	for (int i = 0; i < count; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(parts[i].function());
	}
	for (int i = 0; i < count; i++)
		check_result(wait_for(pids[i]), 0, parts[i].what);
	clean_up();
	check(!call(MVAS_INFO, &info) && !info.vas_count && !info.seg_count && !info.bytes,
	      "in the end nothing is left");
	return finish();
}
