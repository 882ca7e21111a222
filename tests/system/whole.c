/* SPDX-License-Identifier: MIT */
#include "whole.h"

#include <stdlib.h>
#include <string.h>

#include "guest.h"

#define WORD "in="

uint32_t whole_take(int *argc, char ***argv)
{
    if (*argc < 2 || strncmp((*argv)[1], WORD, strlen(WORD)) != 0) {
        return DISK_WHOLE;
    }
    (*argc)--;
    (*argv)++;
    return (uint32_t)strtoul((*argv)[0] + strlen(WORD), NULL, 0);
}

void whole_find(const struct hf_disk *disk, uint32_t partition, uint64_t *first, uint64_t *sectors)
{
    struct disk_info_rep info;
    struct disk_partition_rep found = {.partition = DISK_WHOLE};
    guest_check("info", hf_disk_info(disk, &info));
    for (uint32_t i = 0; found.partition != partition; i++) {
        guest_check("partition", hf_disk_partition(disk, i, &found));
    }
    *first = partition == DISK_WHOLE ? 0 : found.first;
    *sectors = partition == DISK_WHOLE ? info.sectors : found.sectors;
}
