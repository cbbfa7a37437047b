/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring with wide entries.
 * @needs: kernel>=5.19
 * @expect: refuse an io_uring .*wide entries \(.*IORING_SETUP_SQE128.*\) is not supported; remedy: run it without
 */
#include "target.h"
#include "io_uring.h"

int main(void)
{
	struct io_uring_params params = {.flags = IORING_SETUP_SQE128};
	int ring = MUST(setup(8, &params));

	ready_and_wait();

	close(ring);
	pass();
}
