/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a VAS: a keeper runs a command, which decides whether it ends. */
#ifndef MVAS_LIFE_H_
#define MVAS_LIFE_H_

#include "../include/mvas_abi.h"
#include "sys.h"

struct life {
	int timer;                      /* a timerfd */
	int watch;                      /* an inotify, -1: none */
	int cgroup;                     /* a cgroup.procs, -1: none */
	int command;                    /* pid of the command that runs, 0: none */
	int is_due;                     /* something has happened since that was started */
	struct mvas_life_request order; /* the last one with a command */
};

void life_begin(struct life *life);

/* Follows an order, and takes its descriptors. Returns 0 or -errno. */
int life_order(struct life *life, const struct mvas_life_request *order, s64 got, const int *fds,
	       int count);

/* The time has passed. */
void life_due(struct life *life);

/* The watch can be read. Returns whether what it watches is gone. */
int life_look(struct life *life);

/* Runs the command, or again when it has ended. */
void life_run(struct life *life);

/* A child has ended. Returns whether it was the command. */
int life_reaped(struct life *life, int pid);

#endif
