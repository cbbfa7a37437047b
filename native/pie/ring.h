/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MVAS_RING_H_
#define MVAS_RING_H_

#include "sys.h"
#include <linux/io_uring.h>

/* MVAS_OP_RING */
s64 make_ring(u64 fd, const struct io_uring_params *params, u32 count, const u8 *rings, u64 size,
	      const u8 *entries);

/* MVAS_OP_MAP_AT */
s64 map_at(u64 fd, u64 address, u64 length, u64 protection, u64 offset);

#endif
