// SPDX-License-Identifier: GPL-2.0-only
/* libmvas: a program as one would write it for a kernel with MVAS. */
#include "../lib/mvas.h"
#include "tap.h"

#define START 0x280000000000ul

static char word[PAGE] = "before";
static char stack[65536] __attribute__((aligned(16)));

static void check_errno(long got, int wanted, const char *what)
{
	check(got == -1 && errno == wanted, "%s (%ld, %s)", what, got, strerror(errno));
}

static void vases(void)
{
	struct vas_attr attr;
	vasid_t vid, ids[4];

	check_errno(vas_create(NULL, 0600), EINVAL, "a VAS has a name");
	vid = vas_create("library", 0600);
	check(vid > 0 && vas_find("library") == vid, "vas_create, vas_find");
	check_errno(vas_create("library", 0600), EEXIST, "a name is given once");
	check_errno(vas_find("nothing"), ENOENT, "vas_find of nothing");
	check(!vas_getattr(vid, &attr) && attr.mode == 0600 && !attr.user && !attr.group,
	      "vas_getattr");
	attr.mode = 0640;
	attr.group = 7;
	check(!vas_setattr(vid, &attr) && !vas_getattr(vid, &attr) && attr.mode == 0640 &&
		      attr.group == 7,
	      "vas_setattr");
	check(vas_list(ids, 4) == 1 && ids[0] == vid && vas_list(NULL, 0) == 1, "vas_list");
	check(!vas_attach(0, vid, O_RDWR), "vas_attach");
	check_errno(vas_attach(1, vid, O_RDWR), ENOTSUP, "vas_attach for others is not supported");
	check_errno(vas_delete(vid), EBUSY, "vas_delete of an attached one");
	check(active_vas() == 0, "active_vas");
	check_errno(vas_switch(vid), ENOTSUP, "vas_switch is not supported by default");
	check_errno(vas_switch(-5), ENOENT, "an odd id is ENOENT");
	check_errno(vas_detach(1, vid), ENOTSUP, "vas_detach for others is not supported");
	check(!vas_detach(0, vid) && !vas_delete(vid), "vas_detach, vas_delete");
	check_errno(vas_delete(vid), ENOENT, "vas_delete, but once");
}

static void segments(void)
{
	char *at = (char *)START;
	struct segment_attr attr;
	segid_t sid, loose, ids[4];

	check_errno(segment_create("s", START, START, 0600), EINVAL, "a segment has a length");
	sid = segment_create("s", START, START + MIB, 0600);
	loose = segment_create_sz("loose", 0, MIB, 0600);
	check(sid > 0 && loose > 0 && segment_find("s") == sid,
	      "segment_create, segment_create_sz, segment_find");
	check(segment_list(ids, 4) == 2, "segment_list");
	check(!segment_getattr(sid, &attr) && attr.mode == 0600, "segment_getattr");
	attr.mode = 0644;
	check(!segment_setattr(sid, &attr) && !segment_getattr(sid, &attr) && attr.mode == 0644,
	      "segment_setattr");
	check(!segment_attach(0, sid, O_RDWR), "segment_attach to oneself");
	strcpy(at, "segment");
	check_errno(segment_attach(0, sid, O_RDWR), EEXIST, "but once");
	check(!segment_detach(0, sid), "segment_detach");
	check_errno(segment_detach(0, sid), ENOENT, "but once");
	check(!segment_attach(0, sid, O_RDONLY) && !strcmp(at, "segment"), "what it holds stays");
	segment_detach(0, sid);
	check_errno(segment_attach(0, loose, O_RDWR), ENOTSUP, "one without address has no place");
	check(!segment_delete(sid) && !segment_delete(loose), "segment_delete");
}

static void go_on(void)
{
	_exit(strcmp(word, "before") ? 1 : 42);
}

static vasid_t image;

static int execute(void)
{
	strcpy(word, "after");
	vas_exec(0, image, (unsigned long)go_on, (unsigned long)stack + sizeof(stack) - 8);
	return errno;
}

static void processes(void)
{
	char copy[8] = "";
	pid_t pid;

	image = vas_fork(0);
	strcpy(word, "after");
	check(image > 0 && vas_read(image, word, copy, 7) == 7 && !strcmp(copy, "before"),
	      "vas_fork, vas_read");
	check_result(in_child(execute), 42, "vas_exec");
	check_errno(vas_exec(1, image, 0, 0), ENOTSUP, "vas_exec of others is not supported");
	check(!vas_delete(image), "vas_delete");
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	image = vas_fork(pid);
	check(image > 0 && !vas_delete(image), "vas_fork of another process");
	kill(pid, SIGKILL);
	wait_for(pid);
	check_errno(vas_fork(pid), ESRCH, "vas_fork of one that is gone");
	mvas_close();
}

int main(void)
{
	vases();
	segments();
	processes();
	return finish();
}
