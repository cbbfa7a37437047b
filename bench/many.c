/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many of one thing, for the bench: `many flat|chain|maps|files|tcp NUMBER`
 * makes that many processes, mappings, descriptors or connections, then the
 * file /ready, and waits to be killed. `many prefork NUMBER` does so with that
 * many MiB of memory, which eight workers share with the process that has
 * forked them, but for a sixteenth that each has written to since.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORKERS 8

static atomic_long *arrived;

static void stay(void) {
  atomic_fetch_add(arrived, 1);
  for (;;)
    pause();
}

static void flat(long number) {
  while (number-- > 0)
    if (fork() == 0)
      stay();
}

static void chain(long number) {
  if (number > 0 && fork() == 0) {
    chain(number - 1);
    stay();
  }
}

/* The kernel would merge equal neighbours into one mapping. */
static void maps(long number) {
  const long page = sysconf(_SC_PAGESIZE);
  char *all =
      mmap(NULL, number * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (all == MAP_FAILED)
    err(1, "mmap");
  for (long i = 0; i < number; i += 2)
    if (mprotect(all + i * page, page, PROT_READ | PROT_WRITE))
      err(1, "mprotect");
}

static void allow(rlim_t descriptors) {
  const struct rlimit limit = {descriptors + 64, descriptors + 64};

  if (setrlimit(RLIMIT_NOFILE, &limit))
    err(1, "setrlimit");
}

static void files(long number) {
  allow(number);
  while (number-- > 0)
    if (open("/target", O_RDONLY | O_CLOEXEC) < 0)
      err(1, "open");
}

/* Both ends of each connection; data waits unread in every other one. */
static void tcp(long number) {
  static const char data[1000];
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(at);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);

  allow(2 * number);
  if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, 1) ||
      getsockname(listener, (struct sockaddr *)&at, &size))
    err(1, "listen");
  while (number-- > 0) {
    const int client = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(client, (struct sockaddr *)&at, size) ||
        accept(listener, NULL, NULL) < 0)
      err(1, "connect");
    if (number % 2 && send(client, data, sizeof(data), 0) != sizeof(data))
      err(1, "send");
  }
}

/* Pages differ from each other, so that nothing can merge them. */
static void write_pages(char *memory, long size, long mark) {
  const long page = sysconf(_SC_PAGESIZE);

  for (long at = 0; at < size; at += page)
    *(long *)(memory + at) = at ^ mark;
}

static void prefork(long mib) {
  const long size = mib << 20, part = size / 16;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (memory == MAP_FAILED)
    err(1, "mmap");
  write_pages(memory, size, 0);
  for (long worker = 1; worker <= WORKERS; worker++)
    if (fork() == 0) {
      write_pages(memory + worker * part, part, worker);
      stay();
    }
}

/* As a hook of the runtime: raises the loopback interface of the container that
 * the state on stdin names. */
static void loopback(void) {
  char state[4096] = "", path[64];
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  const char *pid;

  if (read(0, state, sizeof(state) - 1) <= 0 ||
      !(pid = strstr(state, "\"pid\":")))
    errx(1, "no state");
  snprintf(path, sizeof(path), "/proc/%ld/ns/net", atol(pid + 6));
  if (setns(open(path, O_RDONLY), CLONE_NEWNET) ||
      ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &request))
    err(1, "%s", path);
}

int main(int argc, char **argv) {
  const char *what = argc == 3 ? argv[1] : "";
  const long number = argc == 3 ? atol(argv[2]) : 0;
  long processes = 0;

  if (!strcmp(what, "loopback")) {
    loopback();
    return 0;
  }
  arrived = mmap(NULL, sizeof(*arrived), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (arrived == MAP_FAILED)
    err(1, "mmap");
  if (!strcmp(what, "flat"))
    flat(processes = number);
  else if (!strcmp(what, "chain"))
    chain(processes = number);
  else if (!strcmp(what, "prefork")) {
    processes = WORKERS;
    prefork(number);
  } else if (!strcmp(what, "maps"))
    maps(number);
  else if (!strcmp(what, "files"))
    files(number);
  else if (!strcmp(what, "tcp"))
    tcp(number);
  else
    errx(2, "usage: many flat|chain|prefork|maps|files|tcp NUMBER");
  while (atomic_load(arrived) < processes)
    usleep(1000);
  close(creat("/ready", 0644));
  for (;;)
    pause();
}
