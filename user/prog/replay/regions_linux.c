/* SPDX-License-Identifier: MIT */
/*
 * Linux keeps neighbours that read alike in /proc/self/maps apart when both were touched before
 * they met (each has reverse-mapping data of its own), or when only one of them was charged. No
 * program can see that coming, so neighbours without a difference in what the file shows count as
 * one here.
 */
#include "regions.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "trace.h"

#define REGIONS_LINE_MAX 512

bool regions_count(uint64_t start, uint64_t end, uint64_t *count)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[REGIONS_LINE_MAX];
    char prot[8];
    char prot_before[8] = "";
    unsigned long long low;
    unsigned long long high;
    unsigned long long high_before = 0;
    uint64_t sum = 0;

    if (maps == NULL) {
        return false;
    }
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%llx-%llx %7s", &low, &high, prot) != 3 || high <= start || low >= end) {
            continue;
        }
        if (low != high_before || strcmp(prot, prot_before) != 0) {
            sum++;
        }
        high_before = high;
        memcpy(prot_before, prot, sizeof prot_before);
    }
    (void)fclose(maps);
    *count = sum;
    return true;
}

bool regions_at(uint64_t address, struct regions_one *one)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[REGIONS_LINE_MAX];
    char prot[8];
    unsigned long long low;
    unsigned long long high;
    bool is_found = false;

    while (maps != NULL && !is_found && fgets(line, sizeof line, maps) != NULL) {
        is_found = sscanf(line, "%llx-%llx %7s", &low, &high, prot) == 3 && high > address;
    }
    if (is_found) {
        *one = (struct regions_one){
            .start = low,
            .end = high,
            .prot = (prot[0] == 'r' ? TRACE_PROT_READ : 0) |
                    (prot[1] == 'w' ? TRACE_PROT_WRITE : 0) |
                    (prot[2] == 'x' ? TRACE_PROT_EXEC : 0),
        };
    }
    if (maps != NULL) {
        (void)fclose(maps);
    }
    return is_found;
}

bool regions_faults(uint64_t *count)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return false;
    }
    *count = (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
    return true;
}

bool regions_reclaimed(uint64_t *swapped, uint64_t *of_files)
{
    (void)swapped;
    (void)of_files;
    return false; /* of the machine, not of this run, and there are other programs */
}
