/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening TCP socket with a key for the Authentication Option (RFC 5925).
 * @needs: none
 * @expect: refuse TCP_AO_ADD_KEY
 */
#include "inet.h"

#include <stdint.h>

#define TCP_AO_ADD_KEY 38

/* struct tcp_ao_add (linux/tcp.h). */
struct key {
	struct sockaddr_storage addr;
	char alg_name[64];
	int32_t ifindex;
	uint32_t flags;
	uint16_t reserved;
	uint8_t prefix, sndid, rcvid, maclen, keyflags, keylen;
	uint8_t key[80];
} __attribute__((aligned(8)));

int main(void)
{
	int server = bound(AF_INET, SOCK_STREAM, 7313);
	struct key key = {.alg_name = "hmac(sha1)", .prefix = 32, .sndid = 1, .rcvid = 1, .keylen = 3, .key = "key"};
	union address peer = loopback(AF_INET, 0);
	memcpy(&key.addr, &peer.v4, sizeof(peer.v4));
	if (setsockopt(server, IPPROTO_TCP, TCP_AO_ADD_KEY, &key, sizeof(key)) == -1) SKIP("no TCP-AO");
	MUST(listen(server, 3));

	ready_and_wait();
	pass();
}
