/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmvas over /dev/mvas: the calls that programs for MVAS kernels know, with their names and
 * arguments, and those that VAS-CRIU added. All return -1 and set errno on failure: as the module's
 * header says of the call, and ENOTSUP for what a module cannot do.
 *
 * The first call opens the device, which stays open until mvas_close() or the end of the process;
 * attachments end with it, and are shared with children forked since.
 */
#ifndef MVAS_H
#define MVAS_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef long long vasid_t;
typedef int segid_t;

struct vas_attr {
	mode_t mode;
	uid_t user;
	gid_t group;
};

struct segment_attr {
	mode_t mode;
	uid_t user;
	gid_t group;
};

/* Names have up to 255 bytes; see the module's header. Types of access are those of open(2). */
vasid_t vas_create(const char *name, mode_t mode);
int vas_delete(vasid_t vid);
vasid_t vas_find(const char *name);
int vas_getattr(vasid_t vid, struct vas_attr *attr);
/* Sets all three; mode may be changed by the owner, the others with CAP_CHOWN. */
int vas_setattr(vasid_t vid, const struct vas_attr *attr);

/* pid is 0 for the caller; ENOTSUP for another process. */
int vas_attach(pid_t pid, vasid_t vid, int type);
int vas_detach(pid_t pid, vasid_t vid);
/*
 * Goes on in the VAS at the same place; 0 goes back. ENOTSUP unless the module was loaded with
 * experimental=1. Code and stack are not shared: the VAS must hold the same at the same addresses,
 * as one that was forked from the caller in the calling function does.
 */
int vas_switch(vasid_t vid);
vasid_t active_vas(void);

segid_t segment_create(const char *name, unsigned long start, unsigned long end, mode_t mode);
segid_t segment_create_sz(const char *name, unsigned long start, unsigned long size, mode_t mode);
int segment_delete(segid_t sid);
segid_t segment_find(const char *name);
int segment_getattr(segid_t sid, struct segment_attr *attr);
int segment_setattr(segid_t sid, const struct segment_attr *attr);
/*
 * vid 0: maps the segment in the caller, where it belongs (ENOTSUP if it belongs nowhere, EEXIST if
 * the place is taken). Else: every process that executes the VAS has it mapped. Not for O_WRONLY.
 */
int segment_attach(vasid_t vid, segid_t sid, int type);
int segment_detach(vasid_t vid, segid_t sid);

/*
 * Keeps a copy-on-write duplicate of a process (0: the caller) as a VAS without name, mode 0600,
 * with the contents of its file mappings. Stop the process first if it has threads.
 */
vasid_t vas_fork(pid_t pid);
/*
 * The caller (pid 0; ENOTSUP for others) goes on in a duplicate of the VAS, at ip with stack
 * pointer sp. Returns only on failure.
 */
int vas_exec(pid_t pid, vasid_t vid, unsigned long ip, unsigned long sp);
/* Returns how many bytes were read, up to the first that is not mapped. */
ssize_t vas_read(vasid_t vid, const void *address, void *buffer, size_t length);
/* Returns how many VASes (segments) the caller can see; writes as many ids as there is room for. */
int vas_list(vasid_t *ids, size_t room);
int segment_list(segid_t *ids, size_t room);

/* Closes the device. */
void mvas_close(void);

#ifdef __cplusplus
}
#endif

#endif
