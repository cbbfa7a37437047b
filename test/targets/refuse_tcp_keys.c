/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening TCP socket with a key for peers in no VRF, and a connection that waits in another one, whose key has been changed
 * meanwhile.
 * @needs: kernel>=5.4
 * @expect: refuse with a key for a VRF .TCP_MD5SIG_FLAG_IFINDEX. cannot be restored(.|\n)*waits to be accepted, with another key
 */
#include "inet.h"

#ifndef TCP_MD5SIG_FLAG_IFINDEX
#define TCP_MD5SIG_FLAG_IFINDEX 2
#endif

static int add_key(int fd, const char *text, int flags)
{
	struct tcp_md5sig key = {.tcpm_flags = (unsigned char)flags, .tcpm_keylen = (unsigned short)strlen(text)};
	union address peer = loopback(AF_INET, 0);
	memcpy(&key.tcpm_addr, &peer.v4, sizeof(peer.v4));
	memcpy(key.tcpm_key, text, strlen(text));
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &key, sizeof(key));
}

int main(void)
{
	int one = bound(AF_INET, SOCK_STREAM, 7311), other = bound(AF_INET, SOCK_STREAM, 7312);
	int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	if (add_key(one, "key", TCP_MD5SIG_FLAG_IFINDEX) == -1) SKIP("no TCP_MD5SIG");
	MUST(listen(one, 3));
	MUST(add_key(other, "first", 0));
	MUST(add_key(client, "first", 0));
	MUST(listen(other, 3));
	join(client, AF_INET, 7312);
	MUST(add_key(other, "second", 0));

	ready_and_wait();

	char text[8] = "";
	int accepted = MUST(accept(other, NULL, NULL));
	CHECK_EQ("send", 4, send(client, "late", 4, 0));
	CHECK_EQ("recv", 4, recv(accepted, text, 4, 0));
	pass();
}
