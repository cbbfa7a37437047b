/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mount of its spec that the container has unmounted: a restored one would have it.
 * @needs: cap:SYS_ADMIN
 * @expect: refuse mount /sys: unmounted by the container
 */
#include "target.h"
#include <sys/mount.h>

int main(void)
{
	MUST(umount2("/sys", MNT_DETACH));

	ready_and_wait();

	CHECK(access("/sys/kernel", F_OK) != 0, "/sys is empty");
	pass();
}
