/* SPDX-License-Identifier: Apache-2.0 OR (GPL-2.0-only WITH Linux-syscall-note) */
/*
 * The calls of /dev/mvas: virtual address spaces (VAS) and segments as objects of the kernel.
 *
 * A VAS is an address space that no process needs to live in. It is made by forking a process into
 * it (FORK) or by keeping the memory of a duplicate that the caller made (CAPTURE), and any single
 * threaded process may go on in a copy-on-write duplicate of it (EXEC). A segment is a named piece
 * of shared memory. Both outlive every process, until they are deleted or the machine goes down.
 *
 * Conventions
 *   - Every call takes one structure of fixed layout, the same for 32 and 64 bits. `size` is the
 *     caller's sizeof() of it. A longer structure than the module knows is taken if the rest is
 *     zero (E2BIG otherwise), a shorter one than the first version is refused (EINVAL).
 *   - `flags` and every field not in use must be zero (EINVAL).
 *   - Ids are positive and of their kind: a VAS and a segment may share a number.
 *   - Names are 1 to 255 bytes, without slash or control character, neither "." nor "..", unique
 *     among the objects of their kind in the creator's user namespace. An object may have none:
 *     then it is found only by its id.
 *   - `mode` has read and write bits for owner, group and others, as files have (0666 at most).
 *     READ, MAPS, EXEC and a segment's reading need r, everything that changes the object needs w;
 *     capability DAC_OVERRIDE over the object's user namespace stands for either.
 *   - Objects of other user namespaces appear not to exist (ENOENT), unless the caller has
 *     DAC_OVERRIDE over theirs.
 *   - Another process is named by a file descriptor of its /proc/PID/mem, opened for reading:
 *     whoever could open it has passed the kernel's check for ptrace. -1 names the caller.
 *   - A call that fails returns no output.
 *
 * Errors of every call: EFAULT bad pointer, EINVAL malformed, E2BIG see above, ENOTTY no such call
 * (and every call of a 32-bit process), ENOENT no such object, EACCES mode forbids, EINTR a fatal
 * signal came, ENOMEM. Others are listed at each call.
 */
#ifndef _UAPI_MVAS_H
#define _UAPI_MVAS_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define MVAS_API_VERSION 1
#define MVAS_NAME_SIZE 256
#define MVAS_TARGET_SELF (-1)

/* The size in the number is that of the `size` field, so that structures may grow. */
#define MVAS_IOC(number) _IOWR(0xE7, number, __u64)

/*
 * INFO: what the module can do on this kernel, and what is in use.
 */
#define MVAS_CAP_CAPTURE (1ULL << 0)  /* CAPTURE */
#define MVAS_CAP_FORK (1ULL << 1)     /* FORK, by a duplicate that the kernel makes */
#define MVAS_CAP_EXEC (1ULL << 2)     /* EXEC */
#define MVAS_CAP_SWITCH (1ULL << 3)   /* SWITCH; with the module's parameter `experimental` */
#define MVAS_CAP_TARGET (1ULL << 4)   /* other processes by /proc/PID/mem */
#define MVAS_CAP_SEGMENTS (1ULL << 5) /* all of SEG_ */

struct mvas_info {
	__u64 size;
	__u32 flags;
	__u32 version;			   /* out: MVAS_API_VERSION */
	__u64 capabilities;		   /* out: MVAS_CAP_ */
	__u64 max_bytes;		   /* out: limit on the bytes of all objects; 0 is none */
	__u64 max_bytes_user;		   /* out: the same for those of one owner */
	__u64 bytes;			   /* out: in use */
	__u32 max_vas, max_segs;	   /* out: limits on numbers */
	__u32 max_vas_user, max_segs_user; /* out: the same for those of one owner */
	__u32 vas_count, seg_count;	   /* out: in use */
};
#define MVAS_INFO MVAS_IOC(0x00)

/*
 * CREATE: a VAS without memory; FORK or CAPTURE can fill it later.
 * EEXIST the name is taken; ENOSPC too many VASes; EDQUOT too many of this owner.
 */
struct mvas_create {
	__u64 size;
	__u32 flags;
	__u32 mode;
	__u32 id; /* out */
	__u32 reserved;
	char name[MVAS_NAME_SIZE];
};
#define MVAS_CREATE MVAS_IOC(0x01)

/*
 * DELETE: the object goes, and its memory with it, as soon as no call is using it. Needs w.
 * SEG_DELETE: likewise; processes that have the segment mapped or open keep the memory.
 * EBUSY a VAS is attached or a process runs in it; a segment is attached to a VAS.
 */
struct mvas_id {
	__u64 size;
	__u32 flags;
	__u32 id;
};
#define MVAS_DELETE MVAS_IOC(0x02)
#define MVAS_SEG_DELETE MVAS_IOC(0x22)

/*
 * FIND, SEG_FIND: the id of a name. Looks only at names of the caller's user namespace.
 */
struct mvas_find {
	__u64 size;
	__u32 flags;
	__u32 id; /* out */
	char name[MVAS_NAME_SIZE];
};
#define MVAS_FIND MVAS_IOC(0x03)
#define MVAS_SEG_FIND MVAS_IOC(0x23)

/*
 * GETATTR, SEG_GETATTR: everything known about an object. Needs no right except to see it.
 *
 * SETATTR, SEG_SETATTR: changes mode, uid and gid, as `valid` says; all other fields but size and
 * id must be zero. The mode may be changed by the owner, or with capability FOWNER over the
 * object's user namespace, uid and gid with CHOWN. EPERM otherwise; EINVAL also for a uid or gid
 * that is not mapped in the object's user namespace; EDQUOT the new owner has too many.
 */
#define MVAS_SET_MODE (1U << 0)
#define MVAS_SET_UID (1U << 1)
#define MVAS_SET_GID (1U << 2)

#define MVAS_STATE_IMAGE (1U << 0)    /* a VAS that holds memory */
#define MVAS_STATE_SETTLED (1U << 1)  /* ... which no process has any more: it can be EXECed */
#define MVAS_STATE_ATTACHED (1U << 2) /* a VAS that is attached; a segment that some VAS has */

struct mvas_attr {
	__u64 size;
	__u32 flags;
	__u32 id;    /* in */
	__u32 valid; /* SETATTR: MVAS_SET_ */
	__u32 mode;
	__u32 uid, gid; /* in the caller's user namespace; 65534 where not mapped */
	__u32 state;	/* out: MVAS_STATE_ */
	__u32 reserved;
	__u64 created;		   /* out: seconds since the epoch */
	__u64 bytes;		   /* out: a VAS's resident memory; a segment's length */
	__u64 start;		   /* out: where the segment belongs; 0 anywhere */
	char name[MVAS_NAME_SIZE]; /* out */
};
#define MVAS_GETATTR MVAS_IOC(0x04)
#define MVAS_SETATTR MVAS_IOC(0x05)
#define MVAS_SEG_GETATTR MVAS_IOC(0x24)
#define MVAS_SEG_SETATTR MVAS_IOC(0x25)

/*
 * LIST, SEG_LIST: the ids of the objects that the caller can see, in ascending order. Writes as
 * many as there is room for; `count` is how many there are.
 */
struct mvas_list {
	__u64 size;
	__u32 flags;
	__u32 capacity; /* of ids, in elements */
	__u64 ids;	/* pointer to __u32; may be 0 with capacity 0 */
	__u32 count;	/* out */
	__u32 reserved;
};
#define MVAS_LIST MVAS_IOC(0x06)
#define MVAS_SEG_LIST MVAS_IOC(0x26)

/*
 * FORK: makes a copy-on-write duplicate of a process's memory and keeps it as a VAS. What the
 * process does later does not show in it. Threads should stand still meanwhile: freeze or stop the
 * process first. Ranges marked MADV_DONTFORK or MADV_WIPEONFORK are treated as by fork(2).
 *
 * CAPTURE: keeps the memory of the process itself; for kernels where FORK is not to be had, on a
 * duplicate that the caller made (by a clone(2) run in the process) and is about to kill. The
 * memory is as the duplicate leaves it when it dies; from then on the VAS is settled. Nothing
 * empties it, neither process_mrelease(2) nor the OOM killer, which passes the process over as long
 * as it lives: needs capability SYS_RESOURCE in the first user namespace (EPERM), as lowering
 * oom_score_adj does. Takes MVAS_FILES_DROP alone. Who has its /proc/PID/mem open for writing can
 * still write to it.
 *
 * With id 0 a new VAS is made; otherwise the VAS with that id, which must be empty, is filled: it
 * needs w, and mode and name must be zero.
 *
 * A VAS maps no file, so that it keeps none open and no filesystem busy. What becomes of file
 * mappings (those of memfds and of anonymous shared memory are file mappings too):
 *   0                  private ones keep the pages the process has written to, at their place, as
 *                      anonymous memory; their other pages read as zeros. Shared ones are unmapped.
 *   MVAS_FILES_WHOLE   private and shared ones become anonymous memory with all their contents, so
 *                      that the image can run by itself; pages past a file's end read as zeros.
 *                      Pages of zeros, and holes of files in tmpfs, take no memory.
 *   MVAS_FILES_DROP    all are unmapped.
 * Devices and pages of hugetlbfs are always unmapped. `dropped` says how many bytes of mappings
 * were. /proc/PID/exe is that of the process that EXECs.
 *
 * EOPNOTSUPP the kernel lacks what is needed (see INFO), or the process is not a 64-bit one; EBADF
 * target is not an open /proc/PID/mem; ESRCH the process is gone; EBUSY a userfaultfd watches it,
 * or the VAS is not empty, or about to be filled, or another has CAPTUREd the same memory; EIO its
 * memory was taken by the OOM killer; EAGAIN there may be no more processes; EEXIST, ENOSPC and
 * EDQUOT as for CREATE, the latter two also for bytes, as soon as the VAS has grown so far; ENOENT
 * also if it was deleted meanwhile.
 */
#define MVAS_FILES_WHOLE (1U << 0)
#define MVAS_FILES_DROP (1U << 1)

struct mvas_fork {
	__u64 size;
	__u32 flags;  /* MVAS_FILES_, one at most */
	__s32 target; /* descriptor of /proc/PID/mem, or MVAS_TARGET_SELF */
	__u32 id;     /* in and out */
	__u32 mode;
	__u64 dropped; /* out: bytes of mappings that were unmapped; 0 for CAPTURE */
	__u64 bytes;   /* out: resident bytes of the VAS */
	char name[MVAS_NAME_SIZE];
};
#define MVAS_FORK MVAS_IOC(0x07)
#define MVAS_CAPTURE MVAS_IOC(0x08)

/*
 * EXEC: the calling process gives up its memory and goes on in a copy-on-write duplicate of the
 * VAS, at `ip` with stack pointer `sp`. The VAS stays as it was. Needs r.
 *
 * All else of the process stays: files, credentials, signal handlers and mask (block signals
 * first, handlers are addresses), and its other registers, floating point included; rax is 0, rcx
 * and r11 are lost. Its set_tid_address, robust futex list and rseq area are forgotten. Segments
 * that are attached to the VAS are mapped, shared, where they belong; EEXIST if that place is not
 * free. Memory touched from now on is charged to the process.
 *
 * EBUSY the caller has threads, shares its memory, is a vfork child, uses io_uring or holds a
 * priority inheritance futex; or the VAS is not settled, or switched to. (A reader of the caller's
 * /proc/PID/maps shares its memory for a moment: try again.) ENODATA the VAS is empty. EOPNOTSUPP
 * the kernel lacks what is needed, or the caller has a shadow stack. ENXIO ip or sp is no user
 * address. EAGAIN there may be no more processes. EIO the duplicate was emptied by
 * process_mrelease(2).
 */
struct mvas_exec {
	__u64 size;
	__u32 flags;
	__u32 id;
	__u64 ip;
	__u64 sp;
};
#define MVAS_EXEC MVAS_IOC(0x09)

/*
 * READ: copies memory of a VAS. Stops before the first byte that is not mapped, or cannot be
 * written to `buffer`; EFAULT if that is the very first. ENODATA the VAS is empty. Needs r.
 */
struct mvas_read {
	__u64 size;
	__u32 flags;
	__u32 id;
	__u64 address;
	__u64 length;
	__u64 buffer; /* pointer */
	__u64 done;   /* out: bytes copied */
};
#define MVAS_READ MVAS_IOC(0x0a)

/*
 * MAPS: the mappings of a VAS in rising order. Writes as many as there is room for; `count` is how
 * many there are. ENODATA the VAS is empty. Needs r.
 */
#define MVAS_MAP_READ (1U << 0)
#define MVAS_MAP_WRITE (1U << 1)
#define MVAS_MAP_EXEC (1U << 2)
#define MVAS_MAP_SHARED (1U << 3)  /* only while the VAS is not settled */
#define MVAS_MAP_FILE (1U << 4)	   /* only while the VAS is not settled */
#define MVAS_MAP_STACK (1U << 5)   /* grows down */
#define MVAS_MAP_SPECIAL (1U << 6) /* of the kernel: vdso, vvar */
#define MVAS_MAP_TOUCHED (1U << 7) /* may hold other than zeros */

struct mvas_mapping {
	__u64 start;
	__u64 end;
	__u32 flags; /* MVAS_MAP_ */
	__u32 reserved;
};

struct mvas_maps {
	__u64 size;
	__u32 flags;
	__u32 id;
	__u32 capacity; /* of mappings, in elements */
	__u32 count;	/* out */
	__u64 mappings; /* pointer to struct mvas_mapping; may be 0 with capacity 0 */
};
#define MVAS_MAPS MVAS_IOC(0x0b)

/*
 * ATTACH: registers the right to SWITCH to a VAS, and keeps it from being deleted. Attachments
 * belong to the open file of /dev/mvas and end with it. `access` is O_RDONLY (needs r), O_RDWR
 * (needs r and w) or O_WRONLY (needs w). EEXIST already attached.
 * DETACH: takes that back. ENOENT also if not attached; EBUSY the caller runs in it, or whoever has
 * switched to it through the same open file.
 */
struct mvas_attach {
	__u64 size;
	__u32 flags;
	__u32 id;
	__u32 access;
	__u32 reserved;
};
#define MVAS_ATTACH MVAS_IOC(0x0c)
#define MVAS_DETACH MVAS_IOC(0x0d)

/*
 * SWITCH (experimental): the calling process goes on in the VAS itself, not in a duplicate: what
 * it writes stays in the VAS. With id 0 it goes back to its own memory. `ip` and `sp` as for EXEC;
 * both 0: it goes on where it is, for which the VAS must hold the same code and the same stack. The
 * VAS must be attached through the same open file with O_RDWR; one process at a time may be in it.
 * Ends also when the process does, or calls execve(2). The OOM killer passes over who is in a VAS,
 * so that going there needs capability SYS_RESOURCE in the first user namespace, as for CAPTURE.
 *
 * EOPNOTSUPP the parameter `experimental` is off; EPERM the capability is missing; ENOENT not
 * attached; EACCES attached otherwise than O_RDWR; EINVAL id 0 and not switched; EBUSY as for EXEC,
 * and if already switched.
 *
 * ACTIVE: the id of the VAS the caller runs in, 0 for its own memory.
 */
#define MVAS_SWITCH MVAS_IOC(0x0e) /* struct mvas_exec */
#define MVAS_ACTIVE MVAS_IOC(0x0f) /* struct mvas_id, id is out */

/*
 * SEG_CREATE: a piece of shared memory, `length` bytes of zeros, which belongs at address `start`
 * (0: anywhere). Both are multiples of the page size. EINVAL also for a range that no process can
 * map; EPERM for an address below 64 KiB (or the kernel's default of vm.mmap_min_addr, if higher)
 * without capability SYS_RAWIO in the first user namespace; EEXIST, ENOSPC, EDQUOT as for CREATE,
 * the latter two also for bytes.
 */
struct mvas_seg_create {
	__u64 size;
	__u32 flags;
	__u32 mode;
	__u64 start;
	__u64 length;
	__u32 id; /* out */
	__u32 reserved;
	char name[MVAS_NAME_SIZE];
};
#define MVAS_SEG_CREATE MVAS_IOC(0x21)

/*
 * SEG_ATTACH: the segment is to be mapped into every process that EXECs the VAS. Needs w on the
 * VAS, and on the segment what `access` says (O_RDONLY or O_RDWR). EEXIST already attached; EINVAL
 * also for a segment without address; EPERM one whose address the caller could not CREATE it with;
 * EBUSY its range overlaps another attached segment.
 * SEG_DETACH: takes that back. Needs w on the VAS. ENOENT also if not attached.
 */
struct mvas_seg_attach {
	__u64 size;
	__u32 flags;
	__u32 vas_id;
	__u32 seg_id;
	__u32 access;
};
#define MVAS_SEG_ATTACH MVAS_IOC(0x27)
#define MVAS_SEG_DETACH MVAS_IOC(0x28)

/*
 * SEG_FD: a file descriptor of the segment, close-on-exec, to mmap(2), read(2), write(2). `access`
 * is O_RDONLY or O_RDWR. Its length is sealed. EMFILE.
 */
struct mvas_seg_fd {
	__u64 size;
	__u32 flags;
	__u32 id;
	__u32 access;
	__s32 fd; /* out */
};
#define MVAS_SEG_FD MVAS_IOC(0x29)

/*
 * SEG_COPYIN: copies memory of a VAS (vas_id, target is 0) or of a process (vas_id 0, target as for
 * FORK) into the segment, without a detour by user space. Needs w on the segment and r on the VAS.
 * offset, address and length are multiples of the page size. Stops before the first page that is
 * not mapped; EFAULT if that is the very first. Errors of a target as for FORK.
 */
struct mvas_seg_copyin {
	__u64 size;
	__u32 flags;
	__u32 id;
	__u32 vas_id;
	__s32 target;
	__u64 address;
	__u64 length;
	__u64 offset; /* in the segment */
	__u64 done;   /* out: bytes copied */
};
#define MVAS_SEG_COPYIN MVAS_IOC(0x2a)

#endif
