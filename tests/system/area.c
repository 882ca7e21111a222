/* SPDX-License-Identifier: MIT */
#include "area.h"

#include <string.h>

#include <hf/mem.h>
#include <tap.h>

#define FILL UINT64_C(0x9e3779b97f4a7c15)

enum err area_map(uint64_t index, uint64_t pages, uint32_t prot)
{
    uint64_t addr = 0;
    const struct hf_map map = {.addr = AREA_AT(index),
                               .length = pages * PAGE,
                               .prot = prot,
                               .flags = ANON | MEM_MAP_FIXED};
    enum err error = hf_map(map, &addr);
    if (error == ERR_OK) {
        EXPECT_U64(addr, AREA_AT(index));
    }
    return error;
}

static char letter_of(uint32_t prot)
{
    static const char letters[] = "-rwwexaa";
    return letters[prot & MEM_PROT_ALL];
}

const char *area_draw(uint64_t pages)
{
    static char text[2 * AREA_PAGES + 1];
    static struct mem_region regions[AREA_PAGES];
    struct mem_query_rep rep;
    enum err error = hf_query(HF_OWN_SPACE, AREA_START, MEM_QUERY_REGIONS_MAX, regions, &rep);
    if (error != ERR_OK) {
        return "query refused";
    }
    char *out = text;
    uint64_t at = AREA_START;
    uint64_t end = AREA_AT(pages);
    for (uint64_t i = 0; i < rep.count && regions[i].start < end; i++) {
        if (regions[i].start == at && at > AREA_START) {
            *out++ = '|';
        }
        for (; at < regions[i].start; at += PAGE) {
            *out++ = ' ';
        }
        for (; at < regions[i].end && at < end; at += PAGE) {
            *out++ = letter_of(regions[i].prot);
        }
    }
    for (; at < end; at += PAGE) {
        *out++ = ' ';
    }
    *out = '\0';
    return text;
}

void area_fill(uint64_t index, uint64_t pages)
{
    for (uint64_t i = index; i < index + pages; i++) {
        *(volatile uint64_t *)AREA_AT(i) = FILL * (i + 1);
    }
}

bool area_holds(uint64_t index, uint64_t pages, uint64_t from)
{
    for (uint64_t i = 0; i < pages; i++) {
        if (*(volatile uint64_t *)AREA_AT(index + i) != FILL * (from + i + 1)) {
            return false;
        }
    }
    return true;
}

uint64_t area_resident(void)
{
    struct mem_query_rep rep = {0};
    EXPECT_ERR(hf_query(HF_OWN_SPACE, 0, 0, NULL, &rep), ERR_OK);
    return rep.resident_total;
}

void area_clear(void)
{
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, AREA_START, AREA_PAGES * PAGE), ERR_OK);
}
