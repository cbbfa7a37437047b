/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostname that the container sets itself: reported as lost, and the spec's after a restore.
 * @needs: cap:SYS_ADMIN
 * @expect: restore
 * @warns: the hostname has been changed, and is not kept found=renamed restored=target
 */
#include "target.h"

int main(void)
{
	char name[64] = "";
	MUST(gethostname(name, sizeof(name)));
	CHECK_STR("before", "target", name);
	MUST(sethostname("renamed", 7));

	ready_and_wait();

	MUST(gethostname(name, sizeof(name)));
	CHECK(strcmp(name, "renamed") == 0 || strcmp(name, "target") == 0, name);
	pass();
}
