/* SPDX-License-Identifier: MIT */
/*
 * The process that carries out sequences on the kernel of Linux.
 *
 *   oracle-linux SLOT-FILE COMMAND-PIPE DONE-PIPE 0
 *
 * Started by the oracle (peer.c); see slot.h for what they say to each other. From room_prepare()
 * on this process must not allocate, since there is no place left to allocate in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "linux_fail.h"
#include "linux_look.h"
#include "linux_room.h"
#include "linux_side.h"
#include "linux_start.h"
#include "linux_step.h"

/* Where the slot is mapped: between the program and the window, on any 64-bit machine. */
#define SLOT_ADDR (UINT64_C(1) << 34)

int main(int argc, char **argv)
{
    static struct room_files files;

    if (argc != 5) {
        fprintf(stderr, "oracle-linux: only the oracle starts this program\n");
        return 2;
    }
    int commands = atoi(argv[2]);
    int done = atoi(argv[3]);
    struct slot *slot = mmap((void *)SLOT_ADDR, sizeof(*slot), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_FIXED_NOREPLACE, atoi(argv[1]), 0);
    if (slot == MAP_FAILED) {
        perror("oracle-linux: slot");
        return 2;
    }
    fail_init(slot, done);
    start_enter(argv, slot);
    linux_step_init();
    room_prepare(slot, &files);
    linux_look_init(slot, &files);
    slot->stage.rights |= STAGE_HUGE_OBJECTS;
    slot->stage.rights |= slot->is_zero_hidden == 0 ? STAGE_MAY_CLONE : 0;

    char byte = SLOT_READY;
    while (write(done, &byte, 1) == 1 && read(commands, &byte, 1) == 1) {
        side_run(slot, &files);
        byte = SLOT_DONE;
    }
    return 0;
}
