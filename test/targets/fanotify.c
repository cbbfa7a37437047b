/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fanotify group with a mark.
 * @needs: kernel>=5.13
 * @expect: refuse fanotify
 */
#include "target.h"
#include <sys/fanotify.h>

int main(void)
{
	char buffer[4096];
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY);
	if (fd == -1) SKIP("this kernel gives no fanotify");
	if (fanotify_mark(fd, FAN_MARK_ADD, FAN_CREATE | FAN_ONDIR, AT_FDCWD, "/data") == -1)
		SKIP("this file system takes no mark");

	ready_and_wait();

	close(MUST(open("/data/new", O_WRONLY | O_CREAT, 0600)));
	CHECK(read(fd, buffer, sizeof(buffer)) > 0, "an event");
	pass();
}
