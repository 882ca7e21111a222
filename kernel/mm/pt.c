/* SPDX-License-Identifier: MIT */
#include "mm/pt.h"

#include "riscv/direct.h"

struct pt_place pt_find(pte_t *root, uint64_t page, unsigned lowest)
{
    pte_t *table = root;
    unsigned level = TABLE_ROOT;
    for (;;) {
        pte_t *slot = &table[table_index(page, level)];
        if (level == lowest || !pte_is_table(*slot)) {
            return (struct pt_place){.slot = slot, .level = level};
        }
        table = direct_table(*slot);
        level--;
    }
}
