/* SPDX-License-Identifier: MIT */
/* A client of the memory server: map, touch, ask what came of it. */
#include <stdio.h>

#include <hf/mem.h>

int main(void)
{
    uint64_t addr = 0;
    const struct hf_map map = {.length = 16 * 4096,
                               .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                               .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
    struct mem_region region;
    struct mem_query_rep rep;
    if (hf_map(map, &addr) != ERR_OK) {
        printf("refused: %s\n", hf_last_refusal());
        return 1;
    }
    *(volatile char *)addr = 1;
    if (hf_query(HF_OWN_SPACE, addr, 1, &region, &rep) != ERR_OK || region.resident != 1) {
        return 1;
    }
    printf("16 pages at 0x%lx, 1 of them resident\n", (unsigned long)region.start);
    return 0;
}
