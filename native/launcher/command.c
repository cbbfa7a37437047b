/* SPDX-License-Identifier: Apache-2.0 */
/* The executable of a command, such as `mvas`: the program of the same name, by Node or a standby.
 */
#include <stdio.h>

#include "launcher.h"

int main(int argc, char **argv)
{
	struct install install;

	/* Node reads these certificates at once, which takes twice as long as the rest of its
	 * start. */
	drop_variables("NODE_EXTRA_CA_CERTS=");
	if (locate(&install) < 0) {
		fprintf(stderr, "%s: cannot tell where it lies\n", argv[0]);
		return 1;
	}
	if (!is_complete(&install))
		return 1;
	serve_by_standby(&install, argc, argv);
	run_node(&install, argc, argv);
	return 1;
}
