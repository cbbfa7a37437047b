/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring that only one thread may use.
 * @needs: kernel>=6.0
 * @expect: refuse an io_uring that only one thread may use \(IORING_SETUP_SINGLE_ISSUER\) is not supported; remedy: run it without \(MariaDB: innodb-use-native-aio=0
 */
#include "target.h"
#include "io_uring.h"

int main(void)
{
	struct ring ring = make_ring(64, IORING_SETUP_SINGLE_ISSUER);

	ready_and_wait();

	do_nothing(&ring, 3);
	pass();
}
