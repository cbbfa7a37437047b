/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that left the descriptor table and the working directory of its process (unshare).
 * @needs: none
 * @expect: refuse unshare
 */
#include "target.h"
#include <pthread.h>
#include <sched.h>

static pthread_barrier_t arrival, departure;
static int common;

static void *apart(void *arg)
{
	char cwd[64];
	MUST(unshare(CLONE_FILES | CLONE_FS));
	close(common);
	MUST(chdir("/tmp"));
	pthread_barrier_wait(&arrival);
	pthread_barrier_wait(&departure);
	CHECK(fcntl(common, F_GETFD) == -1 && errno == EBADF, "closed in this thread");
	CHECK_STR("working directory of the thread", "/tmp", getcwd(cwd, sizeof(cwd)));
	return arg;
}

int main(void)
{
	pthread_t id;
	char cwd[64];
	common = MUST(open("/dev/null", O_RDONLY));
	pthread_barrier_init(&arrival, NULL, 2);
	pthread_barrier_init(&departure, NULL, 2);
	pthread_create(&id, NULL, apart, NULL);
	pthread_barrier_wait(&arrival);

	ready_and_wait();

	pthread_barrier_wait(&departure);
	pthread_join(id, NULL);
	MUST(fcntl(common, F_GETFD));
	CHECK_STR("working directory", "/", getcwd(cwd, sizeof(cwd)));
	pass();
}
