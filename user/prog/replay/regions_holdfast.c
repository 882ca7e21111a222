/* SPDX-License-Identifier: MIT */
/*
 * Holdfast joins regions wherever neighbours are equal, so that its list is taken as it is.
 */
#include "regions.h"

#include <hf/mem.h>
#include <hf/pager.h>

#include "trace.h"

bool regions_count(uint64_t start, uint64_t end, uint64_t *count)
{
    static struct mem_region regions[MEM_QUERY_REGIONS_MAX];
    struct mem_query_rep answer;
    uint64_t at = start;
    uint64_t sum = 0;

    do {
        if (hf_query(HF_OWN_SPACE, at, MEM_QUERY_REGIONS_MAX, regions, &answer) != ERR_OK ||
            answer.count > MEM_QUERY_REGIONS_MAX) {
            return false;
        }
        for (uint64_t i = 0; i < answer.count; i++) {
            if (regions[i].start >= end) {
                *count = sum;
                return true;
            }
            sum++;
        }
        at = answer.next;
    } while (at != 0 && at < end);
    *count = sum;
    return true;
}

bool regions_at(uint64_t address, struct regions_one *one)
{
    struct mem_region region;
    struct mem_query_rep answer;

    if (hf_query(HF_OWN_SPACE, address, 1, &region, &answer) != ERR_OK || answer.count != 1) {
        return false;
    }
    one->start = region.start;
    one->end = region.end;
    one->prot = ((region.prot & MEM_PROT_READ) != 0 ? TRACE_PROT_READ : 0) |
                ((region.prot & MEM_PROT_WRITE) != 0 ? TRACE_PROT_WRITE : 0) |
                ((region.prot & MEM_PROT_EXEC) != 0 ? TRACE_PROT_EXEC : 0);
    return true;
}

bool regions_faults(uint64_t *count)
{
    struct mem_region none;
    struct mem_query_rep answer;

    if (hf_query(HF_OWN_SPACE, 0, 0, &none, &answer) != ERR_OK) {
        return false;
    }
    *count = answer.faults_total;
    return true;
}

bool regions_reclaimed(uint64_t *swapped, uint64_t *of_files)
{
    struct mem_stats_pages_rep pages;
    struct mem_swap_rep swap;

    if (hf_stats_pages(&pages) != ERR_OK || hf_swap(0, 0, &swap) != ERR_OK) {
        return false;
    }
    *swapped = swap.swapped;
    *of_files = pages.evicted - swap.dropped;
    return true;
}
