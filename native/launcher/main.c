/* SPDX-License-Identifier: Apache-2.0 */
/* The shim's executable. */
#include <stdio.h>
#include <string.h>

#include "launcher.h"

int main(int argc, char **argv)
{
	struct install install;
	struct args args;

	/*
	 * NODE_OPTIONS, NODE_DEBUG and the like are meant for other programs, and would make Node
	 * print to the streams from which containerd reads addresses and messages.
	 */
	drop_variables("NODE_");
	if (locate(&install) < 0) {
		fputs(SHIM ": cannot tell where it lies\n", stderr);
		return 1;
	}
	bool is_usual = parse_args(argc, argv, &args) == 0;

	if (is_usual && strcmp(args.action, "delete") == 0 && answer_delete(&args) == 0)
		return 0;
	if (!is_complete(&install))
		return 1;
	if (is_usual && strcmp(args.action, "start") == 0 && answer_start(&args) == 0)
		return 0;
	if (is_usual && strcmp(args.action, "start") == 0 &&
	    start_by_standby(&install, argc, argv) == 0)
		return 0;
	run_node(&install, argc, argv);
	return 1;
}
