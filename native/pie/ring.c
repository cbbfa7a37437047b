/* SPDX-License-Identifier: Apache-2.0 */
/* io_urings: their counts and memory, and where they are mapped; see mvas_abi.h. */
#include "ring.h"

#define PROT_READ_WRITE 3
#define MAP_SHARED 1
#define MAP_SHARED_POPULATE 0x8001
#define MAP_FILL 0x4022 /* MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE */
#define MAP_FIXED_NOREPLACE 0x100000
#define NO_FILE (~0ul)
#define PAGE 4096ul
#define LARGEST (1ul << 46)
#define MOST_FILLED 65536ul

static int is_error(s64 result)
{
	return result < 0 && result >= -4095;
}

/* Submits requests that do nothing until `count` have been taken, and completed. Completions that
 * the other io_uring has not read yet, those after `read`, stay unread: the kernel must never see
 * more room than there will be. */
static s64 submit_nops(u64 fd, const struct io_uring_params *params, u8 *rings, u32 count, u32 read)
{
	volatile u32 *taken = (volatile u32 *)(rings + params->sq_off.head);
	volatile u32 *wanted = (volatile u32 *)(rings + params->sq_off.tail);
	volatile u32 *done = (volatile u32 *)(rings + params->cq_off.tail);
	volatile u32 *seen = (volatile u32 *)(rings + params->cq_off.head);

	/* An eventfd that is registered already hears nothing of them. */
	*(u32 *)(rings + params->cq_off.flags) = IORING_CQ_EVENTFD_DISABLED;
	*wanted = count; /* the kernel takes no more at once than there are entries, all of them
			    zero */
	while (*taken != count) {
		s64 got = sys4(__NR_io_uring_enter, fd, params->sq_entries, 0, 0);

		if (got <= 0)
			return got ? got : -E_PROTO;
		*seen = count - *done < count - read ? read : *done;
	}
	return *done == count ? 0 : -E_PROTO;
}

static u8 *map_ring(u64 fd, u64 length, u64 offset)
{
	return (u8 *)sys6(__NR_mmap, 0, length, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset);
}

s64 make_ring(u64 fd, const struct io_uring_params *params, u32 count, const u8 *rings, u64 size,
	      const u8 *entries)
{
	u64 array = params->sq_off.array;
	u64 wanted = array ? array + params->sq_entries * 4ull
			   : params->cq_off.cqes + params->cq_entries * 16ull;
	u64 bytes = params->sq_entries * sizeof(struct io_uring_sqe);
	u8 *to[2];
	s64 result;

	if (size != wanted)
		return -E_PROTO;
	to[0] = map_ring(fd, size, IORING_OFF_SQ_RING);
	to[1] = map_ring(fd, bytes, IORING_OFF_SQES);
	if (is_error((s64)to[0]) || is_error((s64)to[1]))
		return -E_PROTO;
	result = submit_nops(fd, params, to[0], count, *(const u32 *)(rings + params->cq_off.head));
	if (result == 0) {
		copy(to[0], rings, size);
		copy(to[1], entries, bytes);
	}
	sys2(__NR_munmap, to[0], size);
	sys2(__NR_munmap, to[1], bytes);
	return result;
}

struct filled {
	u64 start, length;
};

/* Maps all free addresses, and tells which they were. */
static u64 fill(struct filled *filled)
{
	u64 count = 0;

	for (u64 size = LARGEST; size >= PAGE && count < MOST_FILLED;) {
		s64 at = sys6(__NR_mmap, 0, size, 0, MAP_FILL, NO_FILE, 0);

		if (is_error(at)) {
			size /= 2;
			continue;
		}
		filled[count].start = (u64)at;
		filled[count++].length = size;
	}
	return count;
}

/* Maps where the kernel chooses while there is but one place. */
static s64 map_in_gap(u64 fd, u64 address, u64 length, u64 protection, u64 offset)
{
	s64 result =
		sys6(__NR_mmap, address, length, 0, MAP_FILL | MAP_FIXED_NOREPLACE, NO_FILE, 0);
	s64 room = sys6(__NR_mmap, 0, MOST_FILLED * sizeof(struct filled), PROT_READ_WRITE,
			MAP_FILL, NO_FILE, 0);
	struct filled *filled = (struct filled *)room;
	u64 count;

	if (is_error(result) || is_error(room))
		return is_error(result) ? result : room;
	count = fill(filled);
	sys2(__NR_munmap, address, length);
	result = sys6(__NR_mmap, 0, length, protection, MAP_SHARED, fd, offset);
	while (count-- > 0)
		sys2(__NR_munmap, filled[count].start, filled[count].length);
	sys2(__NR_munmap, room, MOST_FILLED * sizeof(struct filled));
	return result;
}

s64 map_at(u64 fd, u64 address, u64 length, u64 protection, u64 offset)
{
	s64 result = sys6(__NR_mmap, address, length, protection, MAP_SHARED | MAP_FIXED_NOREPLACE,
			  fd, offset);

	return result == -E_INVAL ? map_in_gap(fd, address, length, protection, offset) : result;
}
