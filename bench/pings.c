/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures what a client sees of a redis while its container is checkpointed. A container with an open TCP connection
 * cannot be checkpointed, so pings are datagrams, and a relay in the container passes them on.
 *
 * pings relay PORT KEYS COMMAND...
 *     in the container: runs COMMAND, a redis that listens on /redis.sock, and answers each datagram when redis has
 *     answered a PING. A datagram with an unsigned int N starts writes: N values a second from then on, in turns of a
 *     millisecond.
 * pings watch PID PORT
 *     outside: sends a ping 0.2 ms after each answer, in the network namespace of PID, until stdin ends. Prints
 *     "ready" at first; at the end the number of pings, their median, the longest and the sum of those over 1 ms, in
 *     milliseconds, and the number of values written meanwhile.
 * pings write PID PORT N
 *     makes the relay write N values a second.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define VALUE 1000 /* bytes, as VALUE_BYTES of test/helpers/workloads/redis.ts */
#define PERIOD_NS 200000
#define MOST 5000000 /* pings */
#define AHEAD 2000   /* values that redis may not have answered yet */

struct question {
  unsigned int writes;
};

struct answer {
  unsigned long written;
};

static double now_ms(void) {
  struct timespec ts;

  clock_gettime(CLOCK_MONOTONIC, &ts);
  return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static struct sockaddr_in local(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET,
      .sin_port = htons((unsigned short)port),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
}

/* The relay. */

static int connect_redis(void) {
  const struct sockaddr_un address = {.sun_family = AF_UNIX,
                                      .sun_path = "/redis.sock"};
  const struct timespec pause = {.tv_nsec = 5000000};
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    err(1, "socket");
  while (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
    nanosleep(&pause, NULL);
  return fd;
}

static void send_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

    if (sent <= 0)
      err(1, "send to redis");
    bytes += sent;
    length -= (size_t)sent;
  }
}

static void ping_redis(int fd) {
  char reply[7];

  send_all(fd, "PING\r\n", 6);
  if (recv(fd, reply, sizeof(reply), MSG_WAITALL) != sizeof(reply))
    err(1, "receive from redis");
}

/* Returns how many values redis has answered since the last call: "+OK\r\n" each. */
static unsigned long take_answers(int fd) {
  char replies[8192];
  unsigned long lines = 0;

  for (;;) {
    const ssize_t got = recv(fd, replies, sizeof(replies), MSG_DONTWAIT);

    if (got <= 0)
      return lines;
    for (ssize_t i = 0; i < got; i++)
      lines += replies[i] == '\n';
  }
}

/* Writes values other than those that keys are filled with, of the same size. */
static void write_values(int fd, unsigned int count, unsigned long keys) {
  static char command[VALUE + 200];
  static unsigned long random = 88172645463325252ul;

  while (count-- > 0) {
    int head;

    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    head = snprintf(command, 200, "SET key:%lu ", 1 + random % keys);
    memset(command + head, 'a' + (int)(random >> 60), VALUE);
    memcpy(command + head + VALUE, "\r\n", 2);
    send_all(fd, command, (size_t)head + VALUE + 2);
  }
}

static void relay(int port, unsigned long keys) {
  const struct sockaddr_in address = local(port);
  const struct timespec turn = {.tv_nsec = 1000000};
  const int server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int pinged = connect_redis(), written_to = connect_redis();
  struct pollfd wait = {.fd = server, .events = POLLIN};
  unsigned long sent = 0, answered = 0;
  unsigned int writes = 0;
  double written_at = 0;

  if (bind(server, (const struct sockaddr *)&address, sizeof(address)))
    err(1, "bind");
  for (;;) {
    const int ready = ppoll(&wait, 1, writes ? &turn : NULL, NULL);
    const double now = now_ms();

    if (ready > 0) {
      struct question question;
      struct sockaddr_in from;
      socklen_t length = sizeof(from);

      if (recvfrom(server, &question, sizeof(question), 0,
                   (struct sockaddr *)&from, &length) == sizeof(question)) {
        const struct answer answer = {answered};

        if (question.writes)
          writes = question.writes;
        ping_redis(pinged);
        sendto(server, &answer, sizeof(answer), 0, (struct sockaddr *)&from,
               length);
      }
    }
    if (writes && now - written_at >= 1) {
      answered += take_answers(written_to);
      if (sent - answered < AHEAD) {
        write_values(written_to, writes / 1000, keys);
        sent += writes / 1000;
      }
      /* Skip turns that were missed, as during a standstill. */
      written_at = now - written_at < 2 ? written_at + 1 : now;
    }
  }
}

/* The client. */

static int enter(const char *pid, int port) {
  const struct sockaddr_in address = local(port);
  char path[64];
  int fd;

  snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET))
    err(1, "%s", path);
  close(fd);
  fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 ||
      connect(fd, (const struct sockaddr *)&address, sizeof(address)))
    err(1, "connect");
  return fd;
}

static struct answer ask(int fd, unsigned int writes) {
  const struct question question = {writes};
  struct answer answer;

  if (send(fd, &question, sizeof(question), 0) != sizeof(question))
    err(1, "send");
  if (recv(fd, &answer, sizeof(answer), 0) != sizeof(answer))
    err(1, "receive");
  return answer;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static void watch(int fd) {
  double *took = calloc(MOST, sizeof(*took)), sum = 0;
  const struct timespec pause = {.tv_nsec = PERIOD_NS};
  struct pollfd end = {.fd = 0, .events = POLLIN};
  const unsigned long before = ask(fd, 0).written;
  unsigned long after = before;
  size_t count = 0;

  prctl(PR_SET_TIMERSLACK, 1);
  puts("ready");
  fflush(stdout);
  while (count < MOST && (count == 0 || poll(&end, 1, 0) == 0)) {
    const double asked = now_ms();

    after = ask(fd, 0).written;
    took[count] = now_ms() - asked;
    if (took[count] > 1)
      sum += took[count];
    count++;
    nanosleep(&pause, NULL);
  }
  qsort(took, count, sizeof(*took), by_value);
  printf("{\"pings\": %zu, \"medianMs\": %.3f, \"longestMs\": %.3f, "
         "\"slowMs\": %.3f, \"written\": %lu}\n",
         count, took[count / 2], took[count - 1], sum, after - before);
}

int main(int argc, char **argv) {
  const char *what = argc > 3 ? argv[1] : "";
  const int port = argc > 3 ? atoi(argv[what[0] == 'r' ? 2 : 3]) : 0;

  if (!strcmp(what, "relay") && argc > 4) {
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0) {
      execv(argv[4], argv + 4);
      err(1, "%s", argv[4]);
    }
    relay(port, strtoul(argv[3], NULL, 10));
  } else if (!strcmp(what, "watch")) {
    watch(enter(argv[2], port));
  } else if (!strcmp(what, "write") && argc == 5) {
    ask(enter(argv[2], port), (unsigned int)atoi(argv[4]));
  } else {
    errx(2, "usage: pings relay|watch|write ...");
  }
  return 0;
}
