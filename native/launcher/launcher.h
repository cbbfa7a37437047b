/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executables. That of a command only finds and runs Node. The shim's answers `start` and
 * `delete` without starting Node if it can, and passes everything else to Node. It decides nothing
 * that src/shim would decide otherwise: anything that it does not understand to the last detail
 * goes to Node, which gives the same answer later.
 */
#ifndef LAUNCHER_H
#define LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_PATH 4096
#define SHIM "containerd-shim-mvas-v1"

/* A command line of containerd, as far as the launcher uses it. Absent flags are "". */
struct args {
	const char *namespace, *id, *bundle, *action;
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

/* 0, or -1 if the place of the executable is unknown. */
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

/* 0; -1 with errno, EFBIG for a file that does not fit. */
int read_file(const char *path, struct content *content);

/*
 * A number that two processes share if a child of one can take the place of a child of the other.
 */
uint64_t surroundings(const struct install *install);

/* Lets the standby answer `start`; 0 if the answer was printed. Leaves stdin to be read again. */
int start_by_standby(const struct install *install, int argc, char **argv);

/* Answers `delete` for a container of which nothing is left; -1, without output, if something is.
 */
int answer_delete(const struct args *args);

#endif
