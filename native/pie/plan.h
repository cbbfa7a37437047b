/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MVAS_PLAN_H_
#define MVAS_PLAN_H_

#include "../include/mvas_abi.h"
#include "sys.h"

/* How a run ended: at an END (0), or at a failed operation (-1; which one is in the header). */
int run_plan(struct mvas_plan_header *plan, u64 offset);

/*
 * Maps the plan that came with a request (descriptor 0 of `fds`; the others fill the first slots).
 * Closes the plan's descriptor. NULL if it is not a plan.
 */
struct mvas_plan_header *map_plan(const struct mvas_request *request, const int *fds, int count);

#endif
