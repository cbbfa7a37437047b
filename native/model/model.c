/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of a container, for rehearsals: processes, threads, memory and
 * descriptors like those of servers, that do nothing, in namespaces of their
 * own. Prints the pid of their init once all are there, and dies with
 * whoever started it and has the other end of its stdin.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CHAIN = 6,
	FLAT = 4,
	THREADS = 3,
	MAPPINGS = 120,
	FILES = 40,
	PAIRS = 8,
	CONNECTIONS = 24,
};

/* What fails is missing in the model, and does no other harm. */
static int done;

/* As if its spec gave it no capabilities. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	for (int capability = 0; capability < 64; capability++)
		prctl(PR_CAPBSET_DROP, capability);
	done += (int)syscall(SYS_capset, &header, none);
}

static void stay(void)
{
	for (;;)
		pause();
}

static void *stay_in_thread(void *nothing)
{
	stay();
	return nothing;
}

/* The kernel would merge equal neighbours into one mapping. */
static void map_memory(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *all = mmap(NULL, MAPPINGS * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (all == MAP_FAILED)
		return;
	for (size_t i = 0; i < MAPPINGS; i += 2)
		if (mprotect(all + i * page, page, PROT_READ | PROT_WRITE) == 0)
			all[i * page] = 1;
	done += mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) !=
		MAP_FAILED;
}

static void open_files(void)
{
	static const char *const paths[] = { "/", "/dev/null", "/proc/self/exe", "/usr" };
	int ends[2];
	sigset_t set;

	for (int i = 0; i < FILES; i++)
		done += open(paths[i % 4], O_RDONLY | O_CLOEXEC) >= 0;
	for (int i = 0; i < PAIRS; i++)
		done += pipe2(ends, O_CLOEXEC) + socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	done += signalfd(-1, &set, SFD_CLOEXEC) + timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	done += inotify_init1(IN_CLOEXEC);

	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	for (int i = 0; i < PAIRS; i++)
		done += epoll_ctl(epoll, EPOLL_CTL_ADD, eventfd(0, EFD_CLOEXEC), &event);
}

/* In a network namespace that nobody else has. */
static void connect_sockets(void)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (ioctl(listener, SIOCSIFFLAGS, &loopback) < 0 ||
	    bind(listener, (struct sockaddr *)&at, size) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &size) < 0)
		return;
	for (int i = 0; i < CONNECTIONS; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(client, (struct sockaddr *)&at, size) < 0 ||
		    accept(listener, NULL, NULL) < 0)
			return;
		if (i % 2)
			done += (int)send(client, &at, sizeof(at), 0);
	}
}

static void chain(int number, int ready)
{
	if (number > 0 && fork() == 0) {
		chain(number - 1, ready);
		drop_capabilities();
		close(ready);
		stay();
	}
}

/* Dies with the parent, which has the other end of a pipe, if not at once. */
static void die_with_parent(int pipe)
{
	struct pollfd end = { .fd = pipe };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&end, 1, 0) != 0)
		_exit(1); /* It has died before. */
}

/* The init of the model; all others die with it. */
static void be_init(int ready)
{
	pthread_t thread;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	die_with_parent(ready);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(null);
	setsid();
	map_memory();
	chain(CHAIN, ready);
	for (int i = 0; i < FLAT; i++)
		chain(1, ready);
	open_files();
	connect_sockets();
	drop_capabilities();
	for (int i = 0; i < THREADS; i++)
		done += pthread_create(&thread, NULL, stay_in_thread, NULL);
	close(ready);
	stay();
}

int main(void)
{
	int ready[2];
	char nothing;

	die_with_parent(STDIN_FILENO);
	done = close_range(STDERR_FILENO + 1, ~0U, 0);
	if (unshare(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0 ||
	    pipe2(ready, O_CLOEXEC) < 0)
		return 1;
	pid_t init = fork();

	if (init == 0) {
		close(ready[0]);
		be_init(ready[1]);
	}
	close(ready[1]);
	if (init < 0 || read(ready[0], &nothing, 1) != 0)
		return 1;
	printf("%d\n", init);
	fflush(stdout);
	close(STDOUT_FILENO);
	waitpid(init, NULL, 0);
	return 0;
}
