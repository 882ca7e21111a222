/* SPDX-License-Identifier: MIT */
#include "mm/device.h"

static struct {
    uint64_t first;
    uint64_t pages;
} device_ranges[DEVICE_RANGES_MAX];
static uint64_t device_count;

void device_add(pfn_t first, npages_t pages)
{
    if (device_count < DEVICE_RANGES_MAX) {
        device_ranges[device_count].first = pfn_to_number(first);
        device_ranges[device_count].pages = npages_to_number(pages);
        device_count++;
    }
}

bool device_has(pfn_t pfn)
{
    for (uint64_t i = 0; i < device_count; i++) {
        if (pfn_to_number(pfn) - device_ranges[i].first < device_ranges[i].pages) {
            return true;
        }
    }
    return false;
}
