/* SPDX-License-Identifier: Apache-2.0 */
/* Opens files of one kind and stops itself: opener KIND DIRECTORY. Descriptors 0 to 2 are what it was given. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "opener-sockets.h"
#include "own-network.h"

static void wait_readable(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };

	must(poll(&wanted, 1, -1));
}

static void at(int from, int to)
{
	must(dup2(from, to));
	close(from);
}

static void regular(void)
{
	int fd = must(open("log", O_CREAT | O_WRONLY | O_APPEND, 0640));

	must(write(fd, "hello", 5));
	at(must(open("log", O_RDONLY)), 20);
	must(lseek(20, 3, SEEK_SET));
	must(dup3(20, 21, O_CLOEXEC));
	at(must(open("log", O_RDONLY)), 22);
	must(open("/dev/null", O_RDWR | O_NONBLOCK));
	must(open("/dev/urandom", O_RDONLY));
	must(open(".", O_RDONLY | O_DIRECTORY));
	must(open("log", O_PATH));
	must(symlink("log", "link"));
	must(open("link", O_PATH | O_NOFOLLOW));
	umask(0137);
}

static void ghost(void)
{
	int fd = must(open("gone", O_CREAT | O_RDWR, 0604));

	must(write(fd, "first", 5));
	must(pwrite(fd, "last", 4, 1 << 20));
	must(open("gone", O_RDONLY));
	must(unlink("gone"));
	fd = must(open("empty", O_CREAT | O_WRONLY, 0600));
	must(unlink("empty"));
	must(fchown(fd, 1, 2));
}

static void pipes(void)
{
	int ends[2];

	must(pipe2(ends, O_NONBLOCK));
	must(write(ends[1], "unread", 6));
	must(pipe2(ends, 0));
	must(fcntl(ends[1], F_SETPIPE_SZ, 1 << 18));
	for (int i = 0; i < 40; i++) {
		char bytes[5000];
		memset(bytes, 'a' + i % 26, sizeof(bytes));
		must(write(ends[1], bytes, sizeof(bytes)));
	}
	must(open("/proc/self/fd/5", O_RDONLY | O_NONBLOCK));
	must(pipe2(ends, O_CLOEXEC));
	must(write(ends[1], "last words", 10));
	close(ends[1]);
	must(pipe2(ends, 0));
	close(ends[0]);
	must(mkfifo("fifo", 0600));
	must(open("fifo", O_RDWR));
	must(open("fifo", O_RDONLY | O_NONBLOCK));
	must(write(open("fifo", O_WRONLY), "in the fifo", 11));
	must(mkfifo("lost", 0600));
	must(write(must(open("lost", O_RDWR)), "x", 1));
	must(unlink("lost"));
}

static void events(void)
{
	struct itimerspec hour = { .it_interval = { 7, 5 }, .it_value = { 3600, 0 } };
	struct itimerspec soon = { .it_interval = { 1000, 0 }, .it_value = { 0, 1000 } };
	struct itimerspec date = { .it_value = { 4000000000, 0 } };
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = 0x1122334455667788 };
	struct f_owner_ex owner = { F_OWNER_PID, getpid() };
	uint64_t big = 0x123456789;
	sigset_t set;
	int ends[2], epoll, timer;

	at(must(eventfd(7, EFD_NONBLOCK)), 10);
	at(must(eventfd(0, EFD_SEMAPHORE)), 11);
	must(write(11, &big, sizeof(big)));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, 64);
	at(must(signalfd(-1, &set, SFD_CLOEXEC)), 12);
	at(timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)), 13);
	must(timerfd_settime(13, 0, &hour, NULL));
	at(must(timerfd_create(CLOCK_BOOTTIME, 0)), 14);
	must(timerfd_settime(14, 0, &soon, NULL));
	at(must(timerfd_create(CLOCK_REALTIME, 0)), 15);
	must(timerfd_settime(15, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &date, NULL));
	wait_readable(14);
	at(must(epoll_create1(0)), 16);
	must(epoll_ctl(16, EPOLL_CTL_ADD, 10, &event));
	must(epoll_ctl(16, EPOLL_CTL_ADD, 13, &event));
	must(pipe(ends));
	at(ends[0], 40);
	at(ends[1], 41);
	event.events = EPOLLOUT | EPOLLONESHOT;
	/* Watched under numbers that stand for something else now, or for nothing. */
	must(dup2(41, 50));
	must(epoll_ctl(16, EPOLL_CTL_ADD, 50, &event));
	must(dup2(10, 50));
	event.events = EPOLLIN;
	must(dup2(40, 60));
	must(epoll_ctl(16, EPOLL_CTL_ADD, 60, &event));
	close(60);
	epoll = must(epoll_create1(EPOLL_CLOEXEC));
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, 16, &event));
	must(fcntl(40, F_SETOWN_EX, &owner));
	must(fcntl(40, F_SETSIG, SIGRTMIN));
	must(fcntl(40, F_SETFL, O_ASYNC | O_NONBLOCK));
	must(mkdir("watched", 0700));
	at(must(inotify_init1(IN_NONBLOCK)), 70);
	must(inotify_add_watch(70, "/", IN_CREATE));
	must(inotify_rm_watch(70, 1));
	must(read(70, &(char[64]){ 0 }, 64));
	must(inotify_add_watch(70, "watched", IN_CREATE | IN_DELETE_SELF));
	must(inotify_add_watch(70, ".", IN_MOVE | IN_ONLYDIR));
}

/* Things in the folder "in"; the name says which. */
static void in_folder(const char *kind, const char *directory)
{
	char path[100];

	must(mkdir("in", 0755));
	snprintf(path, sizeof(path), "%s/in/s", directory);
	if (!strcmp(kind, "in-socket"))
		must(listen(bound(SOCK_STREAM, path), 1));
	else if (!strcmp(kind, "in-relative")) {
		bound(SOCK_DGRAM, "in/s");
	} else if (!strcmp(kind, "in-unlinked-socket")) {
		bound(SOCK_DGRAM, path);
		must(unlink(path));
	} else if (!strcmp(kind, "in-directory")) {
		must(mkdir(path, 0751));
		must(open(path, O_RDONLY | O_DIRECTORY));
		must(rmdir(path));
	} else if (!strcmp(kind, "in-fifo")) {
		must(mkfifo(path, 0606));
		must(open(path, O_RDWR));
		must(unlink(path));
	} else {
		must(open(path, O_RDWR | O_CREAT, 0606));
		must(unlink(path));
	}
}

/* Sockets whose names lead to the folder "in" by a symbolic link. */
static void linked(const char *directory)
{
	char path[100];

	must(mkdir("in", 0755));
	must(symlink("in", "link"));
	snprintf(path, sizeof(path), "%s/link/absolute", directory);
	must(listen(bound(SOCK_STREAM, path), 1));
	must(chmod(path, 0604));
	connect_to(must(socket(AF_UNIX, SOCK_STREAM, 0)), path);
	must(accept(3, NULL, NULL));
	bound(SOCK_DGRAM, "link/relative");
	bound(SOCK_DGRAM, "link/../link/./dots");
	must(chown("in/dots", 3, 4));
	bound(SOCK_DGRAM, "./unlinked");
	must(unlink("unlinked"));
}

static void memory(void)
{
	int fd = must(memfd_create("plain", 0));

	must(write(fd, "some memory", 11));
	must(ftruncate(fd, 10000));
	must(open("/proc/self/fd/3", O_RDONLY));
	fd = must(memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC));
	must(write(fd, "forever", 8));
	must(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK));
	fd = must(memfd_create("future", MFD_ALLOW_SEALING));
	must(fcntl(fd, F_ADD_SEALS, 0x10));
}

static void locks(void)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20 };

	must(open("a", O_CREAT | O_RDWR, 0600));
	must(flock(3, LOCK_EX));
	must(open("b", O_CREAT | O_RDWR, 0600));
	must(fcntl(4, F_SETLK, &range));
	must(open("c", O_CREAT | O_RDWR, 0600));
	range.l_type = F_RDLCK;
	range.l_len = 0;
	must(fcntl(5, F_OFD_SETLK, &range));
	must(open("/proc/self/status", O_RDONLY));
	must(lseek(6, 5, SEEK_SET));
	must(open("/sys/kernel", O_RDONLY | O_DIRECTORY));
	must((int)syscall(SYS_pidfd_open, getpid(), 0));
}

static _Noreturn void stand(void)
{
	must(dup2(1, 2));
	for (;;)
		raise(SIGSTOP);
}

/* A parent, a child with a table of its own, and one that shares the parent's. */
static void family(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5 };
	int ends[2], log = must(open("log", O_CREAT | O_RDWR, 0600));
	pid_t own, sharer;

	signal(SIGCHLD, SIG_IGN);
	must(write(log, "shared position", 15));
	must(fcntl(log, F_SETLK, &range));
	must(pipe(ends));
	must(write(ends[1], "data", 4));
	must(epoll_ctl(must(epoll_create1(0)), EPOLL_CTL_ADD, ends[0], &event));
	own = must(fork());
	if (own == 0) {
		close(ends[1]);
		must(lseek(log, 4, SEEK_SET));
		at(must(open("/proc/self/status", O_RDONLY)), 30);
		must(dup2(log, 31));
		range.l_start = 100;
		must(fcntl(log, F_SETLK, &range));
		must(mkdir("below", 0700));
		must(chdir("below"));
		must(chroot(".."));
		stand();
	}
	sharer = must((int)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0));
	if (sharer == 0) {
		must(open("log", O_RDONLY));
		umask(0);
		stand();
	}
	/* They stop when they have done everything. */
	must(waitpid(own, NULL, WUNTRACED));
	must(waitpid(sharer, NULL, WUNTRACED));
}

static void refused(void)
{
	int ends[2];

	must(socket(AF_VSOCK, SOCK_STREAM, 0));
	must(pipe2(ends, O_DIRECT));
}

int main(int argc, char **argv)
{
	const char *kind = argc == 3 ? argv[1] : "";

	must(close_range(3, ~0U, 0));
	must(argc == 3 ? chdir(argv[2]) : -1);
	must(enter_own_network());
	if (!strcmp(kind, "regular"))
		regular();
	else if (!strcmp(kind, "ghost"))
		ghost();
	else if (!strcmp(kind, "pipes"))
		pipes();
	else if (!strcmp(kind, "events"))
		events();
	else if (!strcmp(kind, "unix"))
		unix_sockets(argv[2]);
	else if (!strncmp(kind, "in-", 3))
		in_folder(kind, argv[2]);
	else if (!strcmp(kind, "linked"))
		linked(argv[2]);
	else if (!strcmp(kind, "inet"))
		inet_sockets();
	else if (!strcmp(kind, "memory"))
		memory();
	else if (!strcmp(kind, "locks"))
		locks();
	else if (!strcmp(kind, "family"))
		family();
	else if (!strcmp(kind, "stdio")) {
		must(open("/dev/zero", O_RDONLY));
		must(dup2(1, 5));
		must(open("/proc/self/fd/1", O_WRONLY | O_APPEND));
		must(dup2(4, 6));
	} else if (!strcmp(kind, "refused"))
		refused();
	else
		return 2;
	if (!strcmp(kind, "stdio"))
		for (;;)
			raise(SIGSTOP);
	stand();
}
