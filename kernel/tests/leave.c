// SPDX-License-Identifier: GPL-2.0-only
/*
 * For init.sh. Without argument: leaves a VAS behind. `delete`: deletes it. `without`: checks the
 * module that was loaded with without_clone=1. Prints nothing on success.
 */
#include "check.h"

static int leave(void)
{
	struct mvas_fork fork = { .size = sizeof(fork), .mode = 0600, .name = "left" };

	fork.target = MVAS_TARGET_SELF;
	return call(MVAS_FORK, &fork);
}

static int delete (void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "left" };
	int ret = call(MVAS_FIND, &find);

	return ret ? ret : vas_delete(find.id);
}

static int without(void)
{
	struct mvas_info info = { .size = sizeof(info) };

	if (call(MVAS_INFO, &info) || (info.capabilities & MVAS_CAP_FORK) ||
	    !(info.capabilities & MVAS_CAP_CAPTURE))
		return -1;
	return leave() == -EOPNOTSUPP ? 0 : -1;
}

int main(int count, char **arguments)
{
	open_device();
	if (count < 2)
		return leave() ? 1 : 0;
	return (strcmp(arguments[1], "delete") ? without() : delete ()) ? 1 : 0;
}
