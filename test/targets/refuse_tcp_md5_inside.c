/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP connection within the container, with keys for signatures (RFC 2385).
 * @needs: none
 * @expect: refuse has keys .TCP_MD5SIG
 */
#include "inet.h"

static int add_key(int fd)
{
	struct tcp_md5sig key = {.tcpm_keylen = 3, .tcpm_key = "key"};
	union address peer = loopback(AF_INET, 0);
	memcpy(&key.tcpm_addr, &peer.v4, sizeof(peer.v4));
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key));
}

int main(void)
{
	char text[8] = "";
	int server = bound(AF_INET, SOCK_STREAM, 7312), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	if (add_key(server) == -1) SKIP("no TCP_MD5SIG");
	MUST(add_key(client));
	MUST(listen(server, 1));
	join(client, AF_INET, 7312);
	int accepted = MUST(accept(server, NULL, NULL));
	close(server);

	ready_and_wait();

	CHECK_EQ("send", 4, send(client, "late", 4, 0));
	CHECK_EQ("recv", 4, recv(accepted, text, 4, 0));
	pass();
}
