/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executables. That of a command leaves its work to a standby where one may do it, and else
 * runs Node. The shim's answers `start` and `delete` without a start of Node where it can, and
 * hands everything else to Node. They decide nothing that src/shim and src/cli would decide
 * otherwise: what they do not understand to the last detail goes to Node, which gives the same
 * answer later.
 */
#ifndef LAUNCHER_H
#define LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#define MAX_PATH 4096
#define SHIM "containerd-shim-mvas-v1"
#define COMMAND "mvas"
#define SCHEME "unix://" /* before an address of a daemon */
#define MAX_IDENTIFIER 76
/* Of what containerd writes to the stdin of `start`. */
#define MAX_INPUT (1 << 19)

/* A command line of containerd, as far as the launcher uses it. Absent flags are "". */
struct args {
	const char *namespace, *id, *address, *bundle, *action;
};

/* Where this build lies. */
struct install {
	char name[128];       /* of this executable */
	char node[MAX_PATH];  /* the interpreter */
	char entry[MAX_PATH]; /* the program in JavaScript */
	char addon[MAX_PATH];
};

/* The content of a small file; `text` ends with a NUL that `length` does not count. */
struct content {
	size_t length;
	char text[1 << 16];
};

/* A standby, which may not be there. */
struct standby {
	char directory[64];
	struct sockaddr_un address;
	int lock;    /* the directory, locked by us; -1 */
	pid_t child; /* the standby that we have started; 0 */
};

/* What a process has done. */
struct activity {
	pid_t pid; /* 0: not known */
	/* schedstat of proc(5): how long it has run and waited for a processor, how often. */
	char times[80];
};

/* What a standby runs, all ending in NULL. */
struct program {
	const char *name;
	const char *const *flags; /* of Node */
	const char *const *words; /* its arguments */
	char **environment;
	bool is_for_daemons; /* a little more welcome to the OOM killer than whoever starts it */
	bool waits;          /* until the command that starts it has ended, or for a moment */
};

/* 0; -1 when the executable cannot be told to lie anywhere. */
int locate(struct install *install);

/* Whether everything that it runs exists. A copied executable lacks it, and reports that. */
bool is_complete(const struct install *install);

/* Removes the variables whose text begins with this from the environment. */
void drop_variables(const char *prefix);

/* Becomes Node, running the entry with our arguments. Returns if that is impossible, after
 * reporting why. */
void run_node(const struct install *install, int argc, char **argv);

/* Parses a command line; -1 for any that Node should judge, refuse or explain. */
int parse_args(int argc, char **argv, struct args *args);

/* Letters and digits, with single separators between them. */
bool is_identifier(const char *text);

/* Whether Node's path.join() would leave a path as it is. */
bool is_plain(const char *path);

/* Whether a daemon listens on a socket, however busy it is. */
bool has_daemon(const char *path);

/* Reads all of stdin, and leaves a copy in its place; the length, or -1. */
ssize_t read_input(char *bytes, size_t room);

/* The group that a spec names; -1 if it names none, or Node should judge. */
int group_of(const char *spec, char group[MAX_IDENTIFIER + 1]);

/* The digest of a text, in hexadecimal. */
void sha256_hex(char hex[65], const char *text);

/* 0; -1 with errno, EFBIG for a file that does not fit. */
int read_file(const char *path, struct content *content);

/*
 * A number that two processes share if a child of one may stand for a child of the other, given
 * these variables of their environment.
 */
uint64_t surroundings(const struct install *install, char **environment);

/* Whether all namespaces are those of process 1. */
bool is_in_first_namespaces(void);

/* Names the standby of some surroundings. */
void name_standby(struct standby *standby, uint64_t surroundings);

/* A connection to the standby; -1 when none listens. */
int dial(const struct standby *standby);

/* Connects to the standby, started if there is none; -1 when it does not come up. */
int reach(const struct install *install, struct standby *standby, const struct program *program);

/* Starts a standby unless there is one, and does not wait for it. -1 on failure. */
int leave_standby(const struct install *install, struct standby *standby,
		  const struct program *program);

/* 0; -1 when not all came; errno is EAGAIN when it did not come in time. */
int receive(int fd, void *bytes, size_t length);

/* What the standby at the other end of a connection has done so far. */
void look_at_peer(int fd, struct activity *activity);

/*
 * Ends a standby that hangs, so that it delays nobody else: one that has neither run nor waited for
 * a processor since. One that is busy, or has forked for us, goes on. Its forks live on.
 */
void retire(int fd, const struct activity *before);

/* Answers `start` of a container whose group has a daemon; -1, nothing printed, for any other. */
int answer_start(const struct args *args);

/* Lets the standby answer `start`; 0 if the answer was printed. Leaves stdin to be read again. */
int start_by_standby(const struct install *install, int argc, char **argv);

/* Lets a standby do what a command is to do, and ends as that does. Returns when none does it. */
void serve_by_standby(const struct install *install, int argc, char **argv);

/* Answers `delete` of a container of which nothing is left; -1, nothing printed, when something is.
 */
int answer_delete(const struct args *args);

#endif
