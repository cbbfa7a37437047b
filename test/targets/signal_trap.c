/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGTRAP, handled and ignored: a checkpoint, which makes processes run into breakpoints, changes neither.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static volatile int handled;

static void handle(int signal) {
  (void)signal;
  handled++;
}

static int pending(void) {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, SIGTRAP);
}

static void wait_ignoring(void *arg) {
  struct sigaction action;
  (void)arg;
  MUST(signal(SIGTRAP, SIG_IGN) == SIG_ERR ? -1 : 0);
  arrived();
  wait_for_go();
  MUST(sigaction(SIGTRAP, NULL, &action));
  CHECK(action.sa_handler == SIG_IGN, "SIGTRAP is ignored");
  CHECK_EQ("pending", 0, pending());
}

int main(void) {
  struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESETHAND},
                   found;
  const pid_t ignoring = spawn(wait_ignoring, NULL);
  MUST(sigaction(SIGTRAP, &action, NULL));

  ready_and_wait();

  CHECK_EQ("not handled", 0, handled);
  CHECK_EQ("pending", 0, pending());
  MUST(sigaction(SIGTRAP, NULL, &found));
  CHECK(found.sa_handler == handle, "the handler is as it was");
  raise(SIGTRAP);
  CHECK_EQ("handled", 1, handled);
  finish(ignoring);
  pass();
}
