/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys for signatures of TCP (RFC 2385): of listening sockets of both families, one of them with hundreds; of connections, of one
 * that nobody has accepted, of sockets that are not connected yet. Who has the key gets in, nobody else does.
 * @needs: none
 * @expect: restore
 * @blind: refuse a TCP socket with keys, or beside others with too many \(TCP_MD5SIG\), cannot be restored; remedy: remove them
 */
#include "inet.h"
#include <poll.h>

#define MANY 500

static union address mapped(in_addr_t host, unsigned short port)
{
	union address a = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
	a.v6.sin6_addr.s6_addr[10] = a.v6.sin6_addr.s6_addr[11] = 0xff;
	host = htonl(host);
	memcpy(&a.v6.sin6_addr.s6_addr[12], &host, sizeof(host));
	return a;
}

/* An empty key takes away the one that is there. */
static int change_key(int fd, union address peer, int prefix, const char *key)
{
	struct tcp_md5sig change = {.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX, .tcpm_prefixlen = (unsigned char)prefix};
	memcpy(&change.tcpm_addr, &peer, sizeof(peer));
	change.tcpm_keylen = (unsigned short)strlen(key);
	memcpy(change.tcpm_key, key, strlen(key));
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &change, sizeof(change));
}

/* A client with a key, or without one, that has tried for a while. */
static int client_of(union address server, int prefix, const char *key)
{
	int fd = MUST(socket(server.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0));
	struct pollfd polled = {fd, POLLOUT, 0};
	if (*key) MUST(change_key(fd, server, prefix, key));
	if (connect(fd, &server.any, length_of(&server)) == -1) CHECK_EQ("connect", EINPROGRESS, errno);
	CHECK(poll(&polled, 1, 300) >= 0, "poll");
	if (polled.revents == POLLOUT) return fd;
	close(fd);
	return -1;
}

static void talk(int one, int other)
{
	char text[8] = "";
	CHECK_EQ("send", 4, send(one, "ping", 4, 0));
	CHECK_EQ("receive", 4, recv(other, text, 8, 0));
	CHECK_EQ("send", 4, send(other, "pong", 4, 0));
	CHECK_EQ("receive", 4, recv(one, text, 8, 0));
	CHECK_STR("content", "pong", text);
}

static int listener(int family, unsigned short port)
{
	union address a = loopback(family, port);
	int fd = MUST(socket(family, SOCK_STREAM, 0));
	if (family == AF_INET6) a.v6.sin6_addr = in6addr_any;
	MUST(bind(fd, &a.any, length_of(&a)));
	return fd;
}

static void try_all(int server, union address place, int prefix, const char *key)
{
	int client = client_of(place, prefix, key);
	CHECK(client >= 0, "who has the key gets in");
	fcntl(client, F_SETFL, 0);
	int accepted = MUST(accept(server, NULL, NULL));
	talk(client, accepted);
	close(client);
	close(accepted);
	CHECK_EQ("without a key", -1, client_of(place, prefix, ""));
	CHECK_EQ("with another key", -1, client_of(place, prefix, "wrong"));
}

int main(void)
{
	union address v4 = loopback(AF_INET, 7311), v6 = loopback(AF_INET6, 7312), both = mapped(INADDR_LOOPBACK, 7312);
	int plain = listener(AF_INET, 7311), dual = listener(AF_INET6, 7312), many = listener(AF_INET, 7313);

	if (change_key(plain, v4, 32, "a key") == -1) SKIP("no TCP_MD5SIG");
	MUST(change_key(plain, v4, 8, "a wider key"));
	MUST(change_key(dual, v6, 64, "of IPv6"));
	MUST(change_key(dual, both, 24, "of IPv4 in IPv6"));
	for (unsigned i = 0; i < MANY; i++) {
		union address peer = loopback(AF_INET, 0);
		peer.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i);
		char key[16];
		snprintf(key, sizeof(key), "key %u", i);
		if (change_key(many, peer, 32, key) == -1) CHECK_EQ("room for keys", ENOMEM, errno);
	}
	for (int *fd = (int[]){plain, dual, many, -1}; *fd >= 0; fd++) MUST(listen(*fd, 5));

	int client = client_of(v4, 32, "a key"), accepted = MUST(accept(plain, NULL, NULL));
	int client6 = client_of(v6, 128, "of IPv6"), accepted6 = MUST(accept(dual, NULL, NULL));
	int client46 = client_of(both, 32, "of IPv4 in IPv6"), accepted46 = MUST(accept(dual, NULL, NULL));
	CHECK(client >= 0 && client6 >= 0 && client46 >= 0, "connected");
	int waiting = client_of(both, 32, "of IPv4 in IPv6");
	CHECK(waiting >= 0, "connected");
	CHECK_EQ("send", 5, send(waiting, "early", 5, 0));
	CHECK_EQ("unread", 3, send(client, "abc", 3, 0));
	int named = bound(AF_INET, SOCK_STREAM, 7314), nameless = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(change_key(named, v4, 32, "a key"));
	MUST(change_key(nameless, v4, 32, "a key"));
	for (int *fd = (int[]){client, client6, client46, waiting, -1}; *fd >= 0; fd++) fcntl(*fd, F_SETFL, 0);

	ready_and_wait();

	char text[8] = "";
	CHECK_EQ("receive", 3, recv(accepted, text, 8, 0));
	talk(client, accepted);
	talk(client6, accepted6);
	talk(accepted46, client46);
	int late = MUST(accept(dual, NULL, NULL));
	CHECK_EQ("receive", 5, recv(late, text, 8, 0));
	talk(waiting, late);

	try_all(plain, v4, 32, "a key");
	try_all(dual, v6, 128, "of IPv6");
	try_all(dual, both, 32, "of IPv4 in IPv6");
	union address last = loopback(AF_INET, 7313);
	try_all(many, last, 32, "key 0");

	for (int *fd = (int[]){named, nameless, -1}; *fd >= 0; fd++) {
		MUST(connect(*fd, &v4.any, length_of(&v4)));
		talk(*fd, MUST(accept(plain, NULL, NULL)));
	}
	MUST(change_key(plain, v4, 8, ""));
	MUST(change_key(plain, v4, 32, ""));
	CHECK_EQ("no other key", -1, change_key(plain, v4, 16, ""));
	MUST(change_key(accepted, v4, 32, ""));
	CHECK_EQ("no other key", -1, change_key(accepted, v4, 8, ""));
	pass();
}
