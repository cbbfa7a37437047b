// SPDX-License-Identifier: Apache-2.0
/* The memory of VASes: taken from processes, given to them, read. */
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

vasid_t vas_fork(pid_t pid)
{
	struct mvas_fork arguments = {
		.size = sizeof(arguments),
		.flags = MVAS_FILES_WHOLE,
		.target = MVAS_TARGET_SELF,
		.mode = 0600,
	};
	char path[64];
	int ret, error;

	if (pid) {
		snprintf(path, sizeof(path), "/proc/%d/mem", pid);
		arguments.target = open(path, O_RDONLY | O_CLOEXEC);
		if (arguments.target < 0)
			return mvas_fail(errno == ENOENT ? ESRCH : errno);
	}
	ret = mvas_call(MVAS_FORK, &arguments);
	error = errno;
	if (pid)
		close(arguments.target);
	return ret ? mvas_fail(error) : (vasid_t)arguments.id;
}

int vas_exec(pid_t pid, vasid_t vid, unsigned long ip, unsigned long sp)
{
	struct mvas_exec arguments = {
		.size = sizeof(arguments), .id = mvas_narrow(vid), .ip = ip, .sp = sp
	};

	return pid && pid != getpid() ? mvas_fail(ENOTSUP) : mvas_call(MVAS_EXEC, &arguments);
}

ssize_t vas_read(vasid_t vid, const void *address, void *buffer, size_t length)
{
	struct mvas_read arguments = {
		.size = sizeof(arguments),
		.id = mvas_narrow(vid),
		.address = (uintptr_t)address,
		.length = length,
		.buffer = (uintptr_t)buffer,
	};

	return mvas_call(MVAS_READ, &arguments) ? -1 : (ssize_t)arguments.done;
}
