/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of libmvas share. */
#ifndef MVAS_DEVICE_H
#define MVAS_DEVICE_H

#include <stdint.h>

#include "../include/uapi/mvas.h"
#include "mvas.h"

#pragma GCC visibility push(hidden)

/* Sets errno; -1. */
int mvas_fail(int error);
/* One call of /dev/mvas, which the first call opens. */
int mvas_call(unsigned long number, void *arguments);
int mvas_copy_name(char *to, const char *name);
/* An id as the device has it, 32 bits wide; 0, which nothing has, if it does not fit. */
uint32_t mvas_narrow(vasid_t id);
int mvas_delete_object(unsigned long number, vasid_t id);
vasid_t mvas_find_name(unsigned long number, const char *name);
int mvas_get_attributes(unsigned long number, vasid_t id, struct mvas_attr *attr);
/* Unchanged values are not set, so that an owner can change only the mode. */
int mvas_set_attributes(unsigned long number, const struct mvas_attr *now,
			const struct vas_attr *wanted);
int mvas_list_ids(unsigned long number, uint32_t *ids, size_t room);

#pragma GCC visibility pop

#endif
