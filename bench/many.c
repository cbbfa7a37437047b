/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many of one thing, for the bench: `many flat|chain|maps|files NUMBER` makes
 * that many processes, mappings or descriptors, then the file /ready, and waits
 * to be killed.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

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

static void files(long number) {
  const struct rlimit limit = {number + 64, number + 64};

  if (setrlimit(RLIMIT_NOFILE, &limit))
    err(1, "setrlimit");
  while (number-- > 0)
    if (open("/target", O_RDONLY | O_CLOEXEC) < 0)
      err(1, "open");
}

int main(int argc, char **argv) {
  const char *what = argc == 3 ? argv[1] : "";
  const long number = argc == 3 ? atol(argv[2]) : 0;
  const int processes = !strcmp(what, "flat") || !strcmp(what, "chain");

  arrived = mmap(NULL, sizeof(*arrived), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (arrived == MAP_FAILED)
    err(1, "mmap");
  if (!strcmp(what, "flat"))
    flat(number);
  else if (!strcmp(what, "chain"))
    chain(number);
  else if (!strcmp(what, "maps"))
    maps(number);
  else if (!strcmp(what, "files"))
    files(number);
  else
    errx(2, "usage: many flat|chain|maps|files NUMBER");
  while (processes && atomic_load(arrived) < number)
    usleep(1000);
  close(creat("/ready", 0644));
  for (;;)
    pause();
}
