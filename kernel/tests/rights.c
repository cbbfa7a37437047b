// SPDX-License-Identifier: GPL-2.0-only
/* Who may do what: owner and mode, ptrace, user namespaces. */
#include <grp.h>

#include "check.h"

static char secret[PAGE] = "secret";
static __u32 private, readable, shared, low;
static int results[2];

/* Checks of a child, which writes its TAP itself; the numbers go on in the parent. */
static void as_user(uid_t uid, void (*function)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	if (pipe(results))
		die("pipe");
	pid = fork();
	if (!pid) {
		if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			die("setresuid");
		prctl(PR_SET_DUMPABLE, 1);
		function();
		if (write(results[1], (int[]){ checks, failures }, 2 * sizeof(int)) < 0)
			die("write");
		_exit(0);
	}
	close(results[1]);
	int counts[2];

	if (read(results[0], counts, sizeof(counts)) == sizeof(counts)) {
		checks = counts[0];
		failures = counts[1];
	} else {
		check(false, "the child ends well");
	}
	close(results[0]);
	waitpid(pid, &status, 0);
}

static int set(__u32 id, __u32 valid, __u32 mode, __u32 uid)
{
	struct mvas_attr attr = {
		.size = sizeof(attr), .id = id, .valid = valid, .mode = mode, .uid = uid
	};

	return call(MVAS_SETATTR, &attr);
}

static int set_group(__u32 id, __u32 gid)
{
	struct mvas_attr attr = {
		.size = sizeof(attr), .id = id, .valid = MVAS_SET_GID, .gid = gid
	};

	return call(MVAS_SETATTR, &attr);
}

static int set_segment_mode(__u32 id, __u32 mode)
{
	struct mvas_attr attr = {
		.size = sizeof(attr), .id = id, .valid = MVAS_SET_MODE, .mode = mode
	};

	return call(MVAS_SEG_SETATTR, &attr);
}

static int attach(__u32 id, __u32 access)
{
	struct mvas_attach attach = { .size = sizeof(attach), .id = id, .access = access };

	return call(MVAS_ATTACH, &attach);
}

static int fill_vas(__u32 id)
{
	struct mvas_fork fork = { .size = sizeof(fork), .target = MVAS_TARGET_SELF, .id = id };

	return call(MVAS_FORK, &fork);
}

static int capture(void)
{
	struct mvas_fork capture = { .size = sizeof(capture), .flags = MVAS_FILES_DROP };

	capture.target = MVAS_TARGET_SELF;
	return call(MVAS_CAPTURE, &capture);
}

static void stranger(void)
{
	struct mvas_attr attr;
	char copy[16];
	__u32 own;

	check_result(vas_read(private, secret, copy, 6, NULL), -EACCES, "0600: others: no READ");
	check_result(vas_exec(private, secret, secret), -EACCES, "no EXEC");
	check_result(vas_delete(private), -EACCES, "no DELETE");
	check_result(set(private, MVAS_SET_MODE, 0666, 0), -EPERM, "no SETATTR");
	check_result(set(private, MVAS_SET_UID, 0, 1000), -EPERM, "nor taking possession");
	check(attach(private, O_RDONLY) == -EACCES && attach(private, O_RDWR) == -EACCES,
	      "no ATTACH");
	check_result(vas_attr(private, &attr), 0, "but it can be seen");
	check(!vas_read(readable, secret, copy, 6, NULL) && !memcmp(copy, "secret", 6),
	      "0644: others: READ");
	check_result(vas_delete(readable), -EACCES, "no DELETE");
	check(attach(readable, O_RDONLY) == 0 && attach(private, O_WRONLY) == -EACCES,
	      "ATTACH for reading");
	check_result(fill_vas(shared), 0, "0666: others: FORK into it");
	check_result(vas_delete(shared), 0, "and DELETE");
	check_result(vas_create("own", 0600, &own), 0, "what one makes");
	check(!set(own, MVAS_SET_MODE, 0400, 0), "is one's own");
	check_result(set(own, MVAS_SET_UID, 0, 0), -EPERM, "but cannot be given away");
	check_result(vas_delete(own), -EACCES, "the mode binds its owner too");
	check(!set(own, MVAS_SET_MODE, 0600, 0) && !vas_delete(own), "who can change it");
	check_result(capture(), -EPERM, "nobody hides from the OOM killer: no CAPTURE");
	check(open("/proc/1/mem", O_RDONLY) < 0, "another's memory cannot be opened");
	check(open("/dev/mvas", O_RDWR) < 0 && errno == EACCES, "nor the device");
}

static void segments_of_others(void)
{
	char path[64];
	int fd;

	check_result(segment_open(private, O_RDONLY), -EACCES, "a segment with 0600: no SEG_FD");
	check_result(segment_delete(private), -EACCES, "no SEG_DELETE");
	check_result(segment_open(readable, O_RDWR), -EACCES, "0644: no SEG_FD for writing");
	fd = segment_open(readable, O_RDONLY);
	check(fd >= 0, "but for reading");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check(open(path, O_RDWR) < 0 && errno == EACCES, "which cannot be opened anew for writing");
	check(fchmod(fd, 0666) && errno == EPERM, "nor made writable");
}

static int create_at(__u64 start, __u32 *id)
{
	struct mvas_seg_create create = {
		.size = sizeof(create), .mode = 0600, .start = start, .length = PAGE
	};
	int ret = call(MVAS_SEG_CREATE, &create);

	*id = create.id;
	return ret;
}

static int attach_segment(__u32 vas, __u32 id)
{
	struct mvas_seg_attach attach = { .size = sizeof(attach), .access = O_RDONLY };

	attach.vas_id = vas;
	attach.seg_id = id;
	return call(MVAS_SEG_ATTACH, &attach);
}

static void low_segments(void)
{
	__u32 id, own;

	check_result(create_at(PAGE, &id), -EPERM, "no segment where null pointers point");
	check_result(create_at(65536 - PAGE, &id), -EPERM, "nor near");
	check_result(vas_create("", 0600, &own), 0, "CREATE");
	check_result(attach_segment(own, low), -EPERM, "nor is one of root's attached");
	vas_delete(own);
	check_result(create_at(65536, &id), 0, "further on all may have one");
	segment_delete(id);
}

static bool sees(__u32 id)
{
	__u32 ids[16];
	struct mvas_list list = { .size = sizeof(list), .capacity = 16, .ids = (uintptr_t)ids };

	if (call(MVAS_LIST, &list))
		return false;
	for (__u32 i = 0; i < list.count && i < 16; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static void in_user_namespace(void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "readable" };
	struct mvas_attr attr;
	char path[64], text[16];
	__u32 own;
	int fd;

	if (unshare(CLONE_NEWUSER)) {
		check(true, "user namespaces # SKIP not allowed here: %s", strerror(errno));
		return;
	}
	write_text("/proc/self/setgroups", "deny");
	write_text("/proc/self/uid_map", "0 1000 1");
	write_text("/proc/self/gid_map", "0 1000 1");
	check(vas_attr(readable, &attr) == -ENOENT && vas_delete(readable) == -ENOENT &&
		      vas_read(readable, secret, text, 1, NULL) == -ENOENT,
	      "what belongs to another user namespace is not there");
	check(call(MVAS_FIND, &find) == -ENOENT && !sees(readable), "by no way");
	snprintf(path, sizeof(path), "/sys/kernel/vas/%u/name", readable);
	fd = open(path, O_RDONLY);
	check(fd < 0 || (read(fd, text, 8) < 0 && errno == EACCES), "sysfs tells nothing of it");
	check_result(vas_create("readable", 0600, &own), 0, "its name is free");
	check(!vas_attr(own, &attr) && attr.uid == 0 && sees(own), "the owner is root in here");
	check(!set(own, MVAS_SET_UID, 0, 0) && set(own, MVAS_SET_UID, 0, 1) == -EINVAL,
	      "and may give it to whom the namespace knows");
	check_result(fill_vas(own), 0, "FORK works");
	check_result(capture(), -EPERM, "CAPTURE does not");
}

static void root_sees(void)
{
	__u32 ids[16];
	struct mvas_list list = { .size = sizeof(list), .capacity = 16, .ids = (uintptr_t)ids };
	struct mvas_attr attr;
	int found = 0;

	call(MVAS_LIST, &list);
	for (__u32 i = 0; i < list.count && i < 16; i++) {
		if (vas_attr(ids[i], &attr) || attr.uid != 1000)
			continue;
		found++;
		check_result(set(ids[i], MVAS_SET_UID, 0, 0), -EINVAL,
			     "root outside gives it to nobody whom the namespace does not know");
		check_result(set_group(ids[i], 0), -EINVAL, "nor to such a group");
		check_result(set(ids[i], MVAS_SET_UID, 0, 1000), 0, "but to others");
		check_result(vas_delete(ids[i]), 0, "root outside sees it, and can delete it");
	}
	check(found <= 1, "once");
}

/* A child that reports when it is as dumpable as told, and waits to be killed. */
static pid_t start(int dumpable)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		die("pipe");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_DUMPABLE, dumpable);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("child");
	close(ready[0]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	wait_for(pid);
}

/* A process that has made itself undumpable keeps its memory from others of its user. */
static void undumpable(void)
{
	pid_t pid = start(1);
	int fd = open_mem(pid);
	char path[64];
	__u32 id;

	check_result(vas_fork(fd, 0, &id), 0, "a process of one's own can be opened and forked");
	check_result(vas_delete(id), 0, "DELETE");
	close(fd);
	stop(pid);
	pid = start(0);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	check(open(path, O_RDONLY) < 0 && errno == EACCES,
	      "one that is not dumpable cannot be opened (%s)", strerror(errno));
	stop(pid);
}

int main(void)
{
	struct mvas_seg_create segment = { .size = sizeof(segment), .length = PAGE };

	open_device();
	vas_fork(MVAS_TARGET_SELF, 0, &private);
	vas_create("readable", 0644, &readable);
	check_result(fill_vas(readable), 0, "a VAS for all to read");
	vas_create("shared", 0666, &shared);
	as_user(1000, stranger);
	as_user(1000, undumpable);
	as_user(1000, in_user_namespace);
	/* The children's attachments end with it. */
	close(device);
	open_device();
	root_sees();
	check(!vas_delete(private) && !vas_delete(readable), "DELETE");

	segment.mode = 0600;
	call(MVAS_SEG_CREATE, &segment);
	private = segment.id;
	segment.id = 0;
	segment.mode = 0644;
	call(MVAS_SEG_CREATE, &segment);
	readable = segment.id;
	as_user(1000, segments_of_others);
	segment_delete(private);
	segment_delete(readable);
	check_result(create_at(PAGE, &low), 0, "root may have a segment anywhere");
	set_segment_mode(low, 0666);
	as_user(1000, low_segments);
	segment_delete(low);
	return finish();
}
