/* SPDX-License-Identifier: MIT */
#include "cell.h"

#include <hf/env.h>
#include <hf/mem.h>

#define PAGES_MAX      16
#define CELLS_PER_PAGE (HF_PAGE_BYTES / sizeof(struct cell))

/* Pages of cells, of this process or inherited; NULL: not mapped yet. */
static struct cell *pages[PAGES_MAX];

/* Take a free cell of a page. */
static struct cell *page_take(struct cell *page)
{
    for (size_t i = 0; i < CELLS_PER_PAGE; i++) {
        uint32_t none = 0;
        if (atomic_compare_exchange_strong(&page[i].references, &none, 1)) {
            return &page[i];
        }
    }
    return NULL;
}

struct cell *cell_take(void)
{
    const struct hf_map map = {
        .length = HF_PAGE_BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_SHARED | MEM_MAP_ANONYMOUS,
    };
    for (size_t i = 0; i < PAGES_MAX; i++) {
        uint64_t address = 0;
        if (pages[i] == NULL) {
            if (hf_map(map, &address) != ERR_OK) {
                return NULL;
            }
            pages[i] = (struct cell *)address;
        }
        struct cell *cell = page_take(pages[i]);
        if (cell != NULL) {
            return cell;
        }
    }
    return NULL;
}

bool cell_give(struct cell *cell)
{
    return atomic_fetch_sub(&cell->references, 1) == 1;
}
