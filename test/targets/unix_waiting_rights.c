/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that have been sent to connections which nobody has accepted: with a stream between pieces without any, with
 * messages; a pipe, a file that is open twice, the listening socket itself, one that waits in another queue only, many at once.
 * @needs: none
 * @expect: restore
 * @blind: refuse a connection waits to be accepted, with data that cannot be read before
 */
#include "unix_rights.h"
#include "unix_server.h"

static const struct sockaddr_un one = {AF_UNIX, "\0one"}, other = {AF_UNIX, "\0other"};

int main(void)
{
	int stream = server_of(&one, SOCK_STREAM), packets = server_of(&other, SOCK_SEQPACKET);
	int client = client_of(&one, SOCK_STREAM), sender = client_of(&other, SOCK_SEQPACKET);
	int ends[2], pair[2], many[MOST_RIGHTS], got[MOST_RIGHTS];
	char byte = 0;
	MUST(pipe(ends));
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	int file = MUST(open("/data/file", O_RDWR | O_CREAT, 0600)), again = MUST(open("/data/file", O_RDWR));
	int hidden = MUST(open("/data/hidden", O_RDWR | O_CREAT, 0600));
	MUST(write(hidden, "hidden", 6));
	send_fds(pair[0], "first", 5, &hidden, 1);

	MUST(send(client, "before", 6, 0));
	send_fds(client, "x", 1, (int[]){ends[0], again}, 2);
	MUST(send(client, "between", 7, 0));
	send_fds(client, "y", 1, (int[]){stream, hidden}, 2);
	send_fds(sender, "", 0, &file, 1);
	for (int i = 0; i < MOST_RIGHTS; i++) many[i] = file;
	send_fds(sender, "many", 4, many, MOST_RIGHTS);
	close(hidden);

	ready_and_wait();

	int accepted = MUST(accept(stream, NULL, NULL));
	take_fds(accepted, 6, "before", got, 0);
	take_fds(accepted, 1024, "x", got, 2);
	CHECK_EQ("write", 1, write(ends[1], "y", 1));
	CHECK_EQ("read", 1, read(got[0], &byte, 1));
	CHECK_EQ("content", 'y', byte);
	check_same("the file that is open twice", again, got[1]);
	CHECK_EQ("the other", 0, fcntl(file, F_GETFL) & O_NONBLOCK);
	take_fds(accepted, 7, "between", got, 0);
	take_fds(accepted, 1024, "y", got, 2);
	check_same("the listening socket", stream, got[0]);
	int found = take(pair[1], "first");
	check_same("what waited elsewhere", found, got[1]);
	CHECK_EQ("position", 6, lseek(found, 0, SEEK_CUR));

	accepted = MUST(accept(packets, NULL, NULL));
	take_fds(accepted, 1024, "", got, 1);
	check_same("of a message", file, got[0]);
	take_fds(accepted, 1024, "many", got, MOST_RIGHTS);
	check_same("the last", file, got[MOST_RIGHTS - 1]);
	pass();
}
