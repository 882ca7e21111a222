/* SPDX-License-Identifier: MIT */
#include "paged.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hf/pager.h>
#include <hf/shared.h>
#include <tap.h>

#include "area.h"

#define PAGED_KEY UINT64_C(0x1234)

uint64_t paged_word(uint64_t page, uint64_t index)
{
    return PAGED_KEY << 40 | page << 12 | index;
}

void paged_fill(uint64_t *page, uint64_t number)
{
    for (uint64_t i = 0; i < PAGE / sizeof(uint64_t); i++) {
        page[i] = paged_word(number, i);
    }
}

bool paged_open(struct paged *pager, uint64_t flags, uint64_t deadline_ms)
{
    const struct hf_pager_object made = {.key = PAGED_KEY,
                                         .bytes = PAGED_PAGES * PAGE,
                                         .flags = flags,
                                         .deadline_ms = deadline_ms,
                                         .window = 8};
    pager->memory =
        mmap(NULL, PAGED_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pager->memory != MAP_FAILED && hf_pager_make(&pager->handle) == ERR_OK &&
           hf_pager_object(pager->handle, made, &pager->object, &pager->number) == ERR_OK &&
           hf_shared_name(pager->handle, PAGED_SELF, strlen(PAGED_SELF),
                          MEM_OBJECT_READ | MEM_OBJECT_WRITE) == ERR_OK &&
           hf_shared_name(pager->object, PAGED_NAME, strlen(PAGED_NAME), MEM_OBJECT_RIGHTS) ==
               ERR_OK;
}

volatile uint64_t *paged_map(uint64_t *object, uint64_t prot)
{
    enum err error = ERR_NOENT;
    for (unsigned i = 0; i < 5000 && error == ERR_NOENT; i++) {
        error = hf_shared_open(PAGED_NAME, strlen(PAGED_NAME), MEM_OBJECT_RIGHTS, object);
        if (error == ERR_NOENT) {
            usleep(1000);
        }
    }
    uint64_t addr = 0;
    const struct hf_map map = {
        .length = PAGED_PAGES * PAGE, .prot = prot, .flags = MEM_MAP_SHARED, .object = *object};
    return error == ERR_OK && hf_map(map, &addr) == ERR_OK ? (volatile uint64_t *)addr : NULL;
}

void paged_unmap(volatile uint64_t *memory, uint64_t object)
{
    (void)hf_shared_unname(PAGED_NAME, strlen(PAGED_NAME));
    (void)hf_shared_unname(PAGED_SELF, strlen(PAGED_SELF));
    EXPECT(munmap((void *)memory, PAGED_PAGES * PAGE) == 0);
    EXPECT_ERR(hf_shared_close(object), ERR_OK);
}

bool paged_is_right(const volatile uint64_t *memory, uint64_t page)
{
    const uint64_t words = PAGE / sizeof(uint64_t);
    for (uint64_t i = 0; i < words; i++) {
        if (memory[page * words + i] != paged_word(page, i)) {
            return false;
        }
    }
    return true;
}

enum err paged_say_saved(const struct paged *pager, const struct mem_pager_next_rep *work)
{
    enum err error = ERR_OK;
    for (uint64_t page = work->pages; page > 0 && error == ERR_OK; page--) {
        if (hf_pager_wrote_part(pager->handle, work, page - 1, work->pages + 2 - page, ERR_OK) !=
                ERR_RANGE ||
            hf_pager_wrote_part(pager->handle, work, page - 1, 0, ERR_OK) != ERR_INVAL ||
            (page < work->pages &&
             hf_pager_wrote_part(pager->handle, work, page - 1, 2, ERR_OK) != ERR_EXIST)) {
            return ERR_INVAL;
        }
        error = hf_pager_wrote_part(pager->handle, work, page - 1, 1, ERR_OK);
    }
    return error;
}
