/* SPDX-License-Identifier: MIT */
/*
 * sbrk() and brk(): a heap that grows behind the program.
 *
 * The pages from the program's end to the break are an anonymous region, grown and shrunk by whole
 * pages; the malloc() of the C library takes its memory from here.
 *
 * I1  heap_start is the first page boundary behind the program; heap_start <= heap_break.
 * I2  Exactly the pages from heap_start up to heap_break, rounded up, are mapped by us.
 * Locks: break_lock, around each of the two calls.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include <abi/layout.h>
#include <base/bits.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/mutex.h>

/* Of the linker script: the end of the program. */
extern const char _end[];

static struct hf_mutex break_lock;
/* 0: not asked for yet. */
static uint64_t heap_start;
static uint64_t heap_break;

static uint64_t page_up(uint64_t address)
{
    return bits_align_down(address + HF_PAGE_BYTES - 1, HF_PAGE_BYTES);
}

static void heap_init(void)
{
    if (heap_start == 0) {
        heap_start = page_up((uint64_t)_end);
        heap_break = heap_start;
    }
}

/* Move the break; on error nothing changed. */
static enum err heap_set(uint64_t address)
{
    uint64_t mapped_end = page_up(heap_break);
    uint64_t wanted_end = page_up(address);
    enum err error = ERR_OK;
    if (wanted_end > mapped_end) {
        const struct hf_map map = {
            .addr = mapped_end,
            .length = wanted_end - mapped_end,
            .prot = MEM_PROT_READ | MEM_PROT_WRITE,
            .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED_NOREPLACE,
        };
        error = hf_map(map, &mapped_end);
    } else if (wanted_end < mapped_end) {
        error = hf_unmap(HF_OWN_SPACE, wanted_end, mapped_end - wanted_end);
    }
    if (error == ERR_OK) {
        heap_break = address;
    }
    return error;
}

int brk(void *address)
{
    const uint64_t wanted = (uint64_t)address;
    hf_mutex_lock(&break_lock);
    heap_init();
    const bool is_done = wanted >= heap_start && wanted <= USER_END && heap_set(wanted) == ERR_OK;
    hf_mutex_unlock(&break_lock);
    if (!is_done) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

void *sbrk(ptrdiff_t increment)
{
    hf_mutex_lock(&break_lock);
    heap_init();
    const uint64_t before = heap_break;
    const uint64_t wanted = before + (uint64_t)increment;
    const bool is_possible = increment >= 0 ? wanted >= before && wanted <= USER_END
                                            : wanted < before && wanted >= heap_start;
    const bool is_done = is_possible && heap_set(wanted) == ERR_OK;
    hf_mutex_unlock(&break_lock);
    if (!is_done) {
        errno = ENOMEM;
        return (void *)-1;
    }
    return (void *)before;
}
