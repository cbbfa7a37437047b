// SPDX-License-Identifier: Apache-2.0
// locker FILE MIB: locks a file (flock(2)) that it also maps, touches some memory, and counts in the
// file from then on.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const int file = open(argv[1], O_RDWR | O_CREAT, 0600);
  if (file < 0 || flock(file, LOCK_EX | LOCK_NB) != 0 || ftruncate(file, 4096) != 0) return 1;
  volatile long *count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const size_t size = strtoul(argv[2], NULL, 10) << 20;
  char *memory = malloc(size);
  if (count == MAP_FAILED || memory == NULL) return 1;
  memset(memory, 1, size);
  for (;;) {
    *count += memory[size / 2];
    usleep(1000);
  }
}
