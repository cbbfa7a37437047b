/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening TCP socket with a key for signatures (RFC 2385), which the kernel does not reveal.
 * @needs: none
 * @expect: refuse TCP_MD5SIG
 */
#include "inet.h"

int main(void)
{
	int server = bound(AF_INET, SOCK_STREAM, 7311);
	struct tcp_md5sig key = {.tcpm_keylen = 3, .tcpm_key = "key"};
	union address peer = loopback(AF_INET, 0);
	memcpy(&key.tcpm_addr, &peer.v4, sizeof(peer.v4));
	if (setsockopt(server, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)) == -1) SKIP("no TCP_MD5SIG");
	MUST(listen(server, 3));

	ready_and_wait();
	pass();
}
