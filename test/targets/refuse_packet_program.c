/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group of packet sockets of which a program chooses one for each packet: the kernel does not show it.
 * @needs: cap:NET_RAW
 * @expect: refuse fd \d+: a group of packet sockets with a program \(PACKET_FANOUT_DATA\) cannot be restored; remedy: close it
 */
#include "packet.h"

int main(void)
{
	struct sock_filter first = {BPF_RET | BPF_K, 0, 0, 0};
	struct sock_fprog program = {.len = 1, .filter = &first};
	int fd = MUST(socket(AF_PACKET, SOCK_RAW, 0));
	bind_packet(fd, (int)if_nametoindex("lo"), ETH_P_IP);
	set_packet_option(fd, PACKET_FANOUT, 7 | PACKET_FANOUT_CBPF << 16);
	MUST(setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)));

	ready_and_wait();

	send_to_port(7713, "still");
	CHECK(is_readable(fd, 5000), "packets");
	pass();
}
