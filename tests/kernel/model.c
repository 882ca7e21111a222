/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "mm/fill.h"

#include <stdlib.h>
#include <string.h>

struct model_page model_ram[MODEL_PAGES];
uint64_t model_flushes;
uint64_t model_fetch_flushes;
uint64_t model_other_flushes;
uint64_t model_interrupt_in;

struct hart *model_hart;
struct hart model_other;
uint64_t model_settles;

static struct hart hart; /* of tests without a stage */
static uint64_t *words;
static pte_t kernel_root[TABLE_ENTRIES];

void model_start(uint64_t frames)
{
    model_hart = &hart;
    hart = (struct hart){.index = 0};
    model_other = (struct hart){.index = 1};
    model_settles = 0;
    free(words);
    words = malloc(frames * sizeof(*words));
    ASSERT(words != NULL);
    memset(model_ram, 0xa5, sizeof(model_ram));
    model_flushes = 0;
    model_fetch_flushes = 0;
    model_interrupt_in = 0;
    for (unsigned i = DIRECT_ROOT_FIRST; i <= DIRECT_ROOT_LAST; i++) {
        kernel_root[i] = pte_make(model_frame(i), PTE_VALID);
    }
    aspace_set_kernel_root(kernel_root);
    frame_init(words, pfn_from_number(MODEL_FIRST), (npages_t){frames});
    frame_fill(pfn_from_number(MODEL_FIRST), (npages_t){frames}, FRAME_FREE);
}

pfn_t model_frame(uint64_t n)
{
    return pfn_from_number(MODEL_FIRST + n);
}

uint64_t model_word(uint64_t n)
{
    return *frame_word(model_frame(n));
}

void model_fill(uint64_t n, uint64_t count, enum frame_kind kind)
{
    frame_fill(model_frame(n), (npages_t){count}, kind);
}

void model_space(struct aspace *aspace, uint64_t root, bool is_server)
{
    frame_take(model_frame(root), FRAME_TABLE, TABLE_ROOT);
    aspace_init(aspace, model_frame(root), is_server);
}

void model_paint(uint64_t n, unsigned char byte)
{
    memset(frame_address(model_frame(n)), byte, PAGE_SIZE);
}

bool model_is_painted(uint64_t n, unsigned char byte)
{
    const unsigned char *bytes = frame_address(model_frame(n));
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        if (bytes[i] != byte) {
            return false;
        }
    }
    return true;
}

enum err model_apply(struct aspace *aspace, const struct map_entry *entries, uint64_t count,
                     uint64_t *done)
{
    struct map_progress progress = {0, 0};
    enum err error;
    do {
        error = aspace_apply(aspace, entries, count, &progress);
        if (fill_is_open()) {
            fill_finish();
        }
    } while (error == ERR_INTR);
    *done = progress.entries;
    return error;
}

struct map_entry model_entry(enum map_op op, uint64_t page, uint64_t pages, uint64_t frame,
                             uint64_t prot, uint64_t flags)
{
    return (struct map_entry){map_where(page, pages), map_what(op, frame, prot, flags)};
}

enum err model_map(struct aspace *aspace, enum map_op op, uint64_t page, uint64_t pages,
                   uint64_t frame, uint64_t prot, uint64_t flags)
{
    const struct map_entry entry = model_entry(op, page, pages, frame, prot, flags);
    uint64_t done;
    return model_apply(aspace, &entry, 1, &done);
}

pte_t model_leaf(const struct aspace *aspace, uint64_t page, unsigned *level)
{
    const pte_t *table = aspace->root;
    for (*level = TABLE_ROOT;; (*level)--) {
        const pte_t pte = table[page >> (9 * *level) & 511];
        if ((pte & PTE_VALID) == 0) {
            return 0;
        }
        if ((pte & PTE_RWX) != 0) {
            return pte;
        }
        table = direct_table(pte);
    }
}

void fill_settle(void)
{
    struct hart *self = model_hart;

    model_settles++;
    if (model_other.fill.count != 0) {
        model_hart = &model_other;
        fill_finish();
        model_hart = self;
    }
}
