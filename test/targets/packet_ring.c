/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings of packet sockets (TPACKET_V3), as libpcap uses them: the kernel goes on in the middle of one; blocks that wait,
 * or that are being read, are where they were, also in a child. What is in the block that is being filled is lost.
 * @needs: cap:NET_RAW
 * @expect: restore
 * @warns: unread packets are not kept where=pid 1 \(target\) fd \d+ packets=1
 * @varies: maps
 */
#include "packet.h"

#define BLOCK 16384
#define BLOCKS 8
#define PORT 7721
#define HEADERS 42

struct ring {
	int fd;
	char *memory;
	unsigned next; /* the block that comes next, as its reader counts them */
};

static struct ring make_ring(unsigned short port, unsigned retire)
{
	struct tpacket_req3 sizes = {BLOCK, BLOCKS, 2048, BLOCK / 2048 * BLOCKS, retire, 0, TP_FT_REQ_FILL_RXHASH};
	struct ring ring = {.fd = MUST(socket(AF_PACKET, SOCK_RAW, 0))};
	only_port(ring.fd, port);
	set_packet_option(ring.fd, PACKET_VERSION, TPACKET_V3);
	set_packet_option(ring.fd, PACKET_RESERVE, 4);
	MUST(setsockopt(ring.fd, SOL_PACKET, PACKET_RX_RING, &sizes, sizeof(sizes)));
	ring.memory = MUST(mmap(NULL, BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, 0));
	bind_packet(ring.fd, (int)if_nametoindex("lo"), ETH_P_IP);
	return ring;
}

static volatile struct tpacket_block_desc *block_of(const struct ring *ring, unsigned index)
{
	return (volatile struct tpacket_block_desc *)(ring->memory + index % BLOCKS * BLOCK);
}

static int is_given(const struct ring *ring, unsigned index)
{
	return (block_of(ring, index)->hdr.bh1.block_status & TP_STATUS_USER) != 0;
}

/* Sends a packet, and waits until the kernel gives away the block that it is in. */
static void fill_block(const struct ring *ring, unsigned index, unsigned short port, const char *text)
{
	CHECK(!is_given(ring, index), "a block that is free");
	send_to_port(port, text);
	for (int i = 0; i < 500 && !is_given(ring, index); i++) usleep(10000);
	CHECK(is_given(ring, index), "a block that is given");
}

/* The only packet of a block. */
static void expect_block(const struct ring *ring, unsigned index, const char *text)
{
	char *block = ring->memory + index % BLOCKS * BLOCK;
	struct tpacket_hdr_v1 *header = &((struct tpacket_block_desc *)block)->hdr.bh1;
	CHECK(is_given(ring, index), text);
	CHECK_EQ(text, 1, header->num_pkts);
	struct tpacket3_hdr *packet = (struct tpacket3_hdr *)(block + header->offset_to_first_pkt);
	CHECK_EQ(text, HEADERS + strlen(text), packet->tp_snaplen);
	CHECK(memcmp((char *)packet + packet->tp_mac + HEADERS, text, strlen(text)) == 0, text);
}

static void release(struct ring *ring, unsigned index)
{
	block_of(ring, index)->hdr.bh1.block_status = TP_STATUS_KERNEL;
}

static void child(void *arg)
{
	const struct ring *ring = arg;
	arrived();
	wait_for_go();
	expect_block(ring, ring->next, "being read");
	expect_block(ring, ring->next + 3, "third");
}

int main(void)
{
	struct ring ring = make_ring(PORT, 20), slow = make_ring(PORT + 1, 600000);
	MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (; ring.next < BLOCKS + 5; ring.next++) {
		fill_block(&ring, ring.next, PORT, "before");
		expect_block(&ring, ring.next, "before");
		release(&ring, ring.next);
	}
	const char *texts[] = {"being read", "first", "second", "third"};
	for (unsigned i = 0; i < 4; i++) fill_block(&ring, ring.next + i, PORT, texts[i]);
	send_to_port(PORT + 1, "lost");
	pid_t pid = spawn(child, &ring);

	ready_and_wait();

	for (unsigned i = 0; i < 4; i++) expect_block(&ring, ring.next + i, texts[i]);
	CHECK(is_readable(ring.fd, 0), "packets that wait");
	MUST(kill(pid, SIGTERM));
	expect_exit(pid, 0);
	for (int i = 0; i < 4; i++) release(&ring, ring.next++);
	for (int i = 0; i < 2 * BLOCKS + 3; i++, ring.next++) {
		fill_block(&ring, ring.next, PORT, "after");
		expect_block(&ring, ring.next, "after");
		release(&ring, ring.next);
	}
	CHECK(!is_given(&slow, 0), "a block that is not full");
	MUST(munmap(ring.memory, BLOCK * BLOCKS));
	MUST(close(ring.fd));
	pass();
}
