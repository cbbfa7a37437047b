/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children in mount, network, UTS and IPC namespaces of their own.
 * @needs: cap:SYS_ADMIN
 * @expect: refuse namespace
 */
#include "target.h"
#include <sched.h>
#include <sys/mount.h>

static void child(void *arg)
{
	char name[32] = "";
	MUST(unshare((int)(long)arg));
	if ((long)arg == CLONE_NEWUTS) MUST(sethostname("nested", 6));
	if ((long)arg == CLONE_NEWNS) MUST(mount("none", "/run", "tmpfs", 0, NULL));
	arrived();
	wait_for_go();
	MUST(gethostname(name, sizeof(name)));
	CHECK_STR("host name", (long)arg == CLONE_NEWUTS ? "nested" : "target", name);
}

int main(void)
{
	static const long kinds[] = {CLONE_NEWUTS, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWIPC};
	pid_t pids[4];
	for (int i = 0; i < 4; i++) pids[i] = spawn(child, (void *)kinds[i]);

	ready_and_wait();

	for (int i = 0; i < 4; i++) finish(pids[i]);
	pass();
}
