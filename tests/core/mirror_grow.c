/* SPDX-License-Identifier: MIT */
#include "mirror.h"

/* The first page from `page` on that is mapped; NULL: none in the window. */
static const struct mirror_page *mirror_above(const struct mirror *mirror, uint32_t page)
{
    for (uint32_t i = page - mirror->first; i < mirror->pages; i++) {
        if (mirror->page[i].is_mapped) {
            return &mirror->page[i];
        }
    }
    return NULL;
}

/* The last page below `page` that is mapped; NULL: none. */
static const struct mirror_page *mirror_below(const struct mirror *mirror, uint32_t page)
{
    for (uint32_t i = page - mirror->first; i > 0; i--) {
        if (mirror->page[i - 1].is_mapped) {
            return &mirror->page[i - 1];
        }
    }
    return NULL;
}

/* The whole window is smaller than the guard gap. */
bool mirror_is_guard(const struct mirror *mirror, uint32_t end)
{
    const struct mirror_page *above = mirror_above(mirror, end);

    return above != NULL && (above->flags & REGION_GROWSDOWN) != 0;
}

bool mirror_grow(struct mirror *mirror, uint32_t page)
{
    const struct mirror_page *above = mirror_above(mirror, page);
    const struct mirror_page *below = mirror_below(mirror, page);

    if (above == NULL || (above->flags & REGION_GROWSDOWN) == 0 ||
        (below != NULL && (below->flags & REGION_GROWSDOWN) == 0 &&
         (below->flags & REGION_PROT) != 0)) {
        return false;
    }
    for (struct mirror_page *at = &mirror->page[page - mirror->first]; at < above; at++) {
        *at = (struct mirror_page){.is_mapped = 1, .flags = above->flags | REGION_TOUCHED};
    }
    mirror_settle(mirror);
    return true;
}
