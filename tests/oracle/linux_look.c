/* SPDX-License-Identifier: MIT */
/*
 * Reading what the kernel shows of this process.
 */
#include "linux_look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <base/bits.h>
#include <base/types.h>

#include "linux_fail.h"
#include "linux_huge.h"

#define TEXT_BYTES   (UINT64_C(1) << 18)
#define REGIONS_MAX  8192u
#define WINDOW_PAGES (STAGE_BELOW + STAGE_ABOVE)
/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT BIT(63)
#define PAGEMAP_FILE    BIT(61) /* or shared anonymous: not a copy of its own */
#define PAGEMAP_PFN     (BIT(55) - 1)
/* Inodes of other file systems: that of names (linux_object.c), and that of huge pages. */
#define NAMED_OBJECT UINT32_C(0x80000000)
/* What is behind a mapping of huge pages. */
#define HUGE_NAME "/anon_hugepage"

static char text[TEXT_BYTES];
static struct look_region regions[REGIONS_MAX];
static uint64_t entries[WINDOW_PAGES];
static uint64_t zero_pfn;
static char shared_device[24]; /* as /proc/self/maps names it */

/* Two letters of smaps' VmFlags (Documentation/filesystems/proc.rst) and what they are here. */
static const struct {
    char letters[3];
    uint32_t flag;
} letters[] = {
    {"nr", LOOK_NORESERVE},  {"ac", LOOK_ACCOUNT}, {"dc", LOOK_DONTFORK},  {"wf", LOOK_WIPEONFORK},
    {"sr", LOOK_SEQUENTIAL}, {"rr", LOOK_RANDOM},  {"hg", LOOK_HUGEPAGE},  {"nh", LOOK_NOHUGEPAGE},
    {"lo", LOOK_LOCKED},     {"lf", LOOK_ONFAULT}, {"gd", LOOK_GROWSDOWN}, {"ht", LOOK_HUGETLB},
};

static uint64_t parse_hex(const char **at)
{
    uint64_t value = 0;

    for (;; (*at)++) {
        if (**at >= '0' && **at <= '9') {
            value = value << 4 | (uint64_t)(**at - '0');
        } else if (**at >= 'a' && **at <= 'f') {
            value = value << 4 | (uint64_t)(**at - 'a' + 10);
        } else {
            return value;
        }
    }
}

static const char *skip_word(const char *at)
{
    while (*at != ' ' && *at != '\n' && *at != '\0') {
        at++;
    }
    return *at == ' ' ? at + 1 : at;
}

/* Whether a device is that of memfds and anonymous shared memory. */
static bool is_shared_device(const char *device)
{
    return strncmp(shared_device, device, strlen(shared_device)) == 0;
}

static void learn_shared_device(void)
{
    struct stat status;
    int file = memfd_create("look", MFD_CLOEXEC);

    if (file < 0 || fstat(file, &status) != 0) {
        fail_end("memfd_create");
    }
    close(file);
    snprintf(shared_device, sizeof(shared_device), "%02x:%02x ", major(status.st_dev),
             minor(status.st_dev));
}

/* `first-end rwxp offset major:minor inode name`; addresses of Linux are left in first and end. */
static void parse_region(const char *at, uint64_t *first, uint64_t *end, struct look_region *region)
{
    *first = parse_hex(&at);
    at++;
    *end = parse_hex(&at);
    at++;
    region->flags = (at[0] == 'r' ? LOOK_READ : 0) | (at[1] == 'w' ? LOOK_WRITE : 0) |
                    (at[2] == 'x' ? LOOK_EXEC : 0) | (at[3] == 's' ? LOOK_SHARED : 0);
    at = skip_word(at);
    region->offset = parse_hex(&at) >> PAGE_SHIFT;
    const char *device = skip_word(at);
    at = skip_word(device);
    region->object = (uint32_t)strtoul(at, NULL, 10) & ~NAMED_OBJECT;
    region->object |= region->object != 0 && !is_shared_device(device) ? NAMED_OBJECT : 0;
    at = skip_word(at);
    at += strspn(at, " ");
    if (strncmp(at, HUGE_NAME, strlen(HUGE_NAME)) == 0 && (region->flags & LOOK_SHARED) == 0) {
        region->object = LOOK_HUGE_OBJECT;
    }
}

static uint32_t parse_letters(const char *at)
{
    uint32_t flags = 0;

    for (at = skip_word(at); *at != '\n' && *at != '\0'; at = skip_word(at)) {
        for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
            if (at[0] == letters[i].letters[0] && at[1] == letters[i].letters[1]) {
                flags |= letters[i].flag;
            }
        }
    }
    return flags;
}

/*
 * Take in the lines of one read.
 *
 * Returns: whether there may be more below the end of the window.
 */
static bool parse_lines(const struct slot *slot, const char *at, uint32_t *count, bool *is_inside)
{
    const struct zone *window = &slot->sequence.room.zones[STAGE_WINDOW];
    uint64_t limit = stage_to_linux(&slot->stage, (uint64_t)window->end << PAGE_SHIFT);

    while (*at != '\0') {
        const char *line = at;
        uint64_t first;
        uint64_t end;
        at = strchr(at, '\n');
        if (at == NULL) {
            fail_end("a line of maps is cut");
        }
        at++;
        if (*line >= 'A' && *line <= 'Z') {
            if (*is_inside && strncmp(line, "VmFlags:", 8) == 0) {
                regions[*count - 1].flags |= parse_letters(line);
            }
            continue;
        }
        struct look_region region = {0};
        parse_region(line, &first, &end, &region);
        if (first >= limit) {
            return false;
        }
        uint64_t page = stage_to_core(&slot->stage, first) >> PAGE_SHIFT;
        bool is_low_filler = first < slot->stage.lowest && first != slot->stage.denied;
        *is_inside = !is_low_filler && stage_holds(&slot->sequence.room, page);
        if (*is_inside) {
            if (*count == REGIONS_MAX) {
                fail_end("too many regions");
            }
            region.first = (uint32_t)page;
            region.end = region.first + (uint32_t)((end - first) >> PAGE_SHIFT);
            regions[(*count)++] = region;
        }
    }
    return true;
}

static uint32_t look_regions(const struct slot *slot, int file)
{
    uint32_t count = 0;
    bool is_inside = false;

    if (lseek(file, 0, SEEK_SET) != 0) {
        fail_end("lseek");
    }
    for (;;) {
        ssize_t bytes = read(file, text, sizeof(text) - 1);
        if (bytes < 0) {
            fail_end("list of regions");
        }
        text[bytes] = '\0';
        if (bytes == 0 || !parse_lines(slot, text, &count, &is_inside)) {
            return count;
        }
    }
}

/* First and last word of a present page, also of one that may not be read. */
static struct look_word read_words(const struct room_files *files, uint64_t addr, bool is_readable)
{
    struct look_word word;
    uint64_t tail = addr + PAGE_SIZE - sizeof(uint64_t);

    if (is_readable) {
        word.head = *(const volatile uint64_t *)addr;
        word.tail = *(const volatile uint64_t *)tail;
    } else if (pread(files->memory, &word.head, 8, (off_t)addr) != 8 ||
               pread(files->memory, &word.tail, 8, (off_t)tail) != 8) {
        fail_end("/proc/self/mem");
    }
    return word;
}

static void read_entries(const struct room_files *files, uint64_t start, uint32_t pages)
{
    if (pread(files->pagemap, entries, pages * 8u, (off_t)(start >> PAGE_SHIFT) * 8) !=
        (ssize_t)(pages * 8u)) {
        fail_end("/proc/self/pagemap");
    }
}

/*
 * Pages of objects that exist, whether or not this process has touched them; of a private region,
 * those that are copies of its own are told apart.
 */
static void look_object_pages(struct slot *slot, const struct room_files *files,
                              struct look_log *log, const struct look_region *region)
{
    static unsigned char present[WINDOW_PAGES];
    uint64_t start = stage_to_linux(&slot->stage, (uint64_t)region->first << PAGE_SHIFT);
    uint32_t pages = region->end - region->first;
    bool is_shared = (region->flags & LOOK_SHARED) != 0;

    if (mincore((void *)start, (size_t)pages << PAGE_SHIFT, present) != 0) {
        fail_end("mincore");
    }
    read_entries(files, start, pages);
    for (uint32_t i = 0; i < pages; i++) {
        bool is_own = (entries[i] & PAGEMAP_PRESENT) != 0 && (entries[i] & PAGEMAP_FILE) == 0;
        if ((present[i] & 1) != 0 || is_own) {
            struct look_word word = read_words(files, start + (uint64_t)i * PAGE_SIZE,
                                               (region->flags & LOOK_READ) != 0);
            look_add_page(log, region->first + i, is_shared || is_own ? LOOK_OWN : LOOK_OBJECT,
                          &word);
        }
    }
}

static void look_pages(struct slot *slot, const struct room_files *files, struct look_log *log,
                       const struct look_region *region)
{
    uint64_t start = stage_to_linux(&slot->stage, (uint64_t)region->first << PAGE_SHIFT);
    uint32_t pages = region->end - region->first;

    read_entries(files, start, pages);
    for (uint32_t i = 0; i < pages; i++) {
        struct look_word word = {0, 0};
        if ((entries[i] & PAGEMAP_PRESENT) == 0) {
            continue;
        }
        bool is_zero = slot->is_zero_hidden == 0 && (entries[i] & PAGEMAP_PFN) == zero_pfn;
        if (!is_zero) {
            word = read_words(files, start + (uint64_t)i * PAGE_SIZE,
                              (region->flags & LOOK_READ) != 0);
        }
        look_add_page(log, region->first + i, is_zero ? LOOK_ZERO : LOOK_OWN, &word);
    }
}

/* Field `field` of statm, counted from 0. */
static uint64_t statm_field(const char *line, unsigned field)
{
    for (; field > 0; field--) {
        line = skip_word(line);
    }
    return strtoull(line, NULL, 10);
}

void linux_look_init(struct slot *slot, const struct room_files *files)
{
    static volatile char untouched[4 * PAGE_SIZE];
    uint64_t addr = ((uint64_t)untouched + PAGE_SIZE) & ~(uint64_t)PAGE_MASK;
    uint64_t pair[2];

    learn_shared_device();
    linux_huge_init();
    if (*(volatile char *)addr != 0 || *(volatile char *)(addr + PAGE_SIZE) != 0 ||
        pread(files->pagemap, pair, sizeof(pair), (off_t)(addr >> PAGE_SHIFT) * 8) !=
            sizeof(pair)) {
        fail_end("/proc/self/pagemap");
    }
    zero_pfn = pair[0] & PAGEMAP_PFN;
    slot->is_zero_hidden = zero_pfn == 0;
    if ((pair[1] & PAGEMAP_PFN) != zero_pfn) {
        slot->has_no_zero_page = 1;
        zero_pfn = PAGEMAP_PFN; /* none has this */
    }
}

void linux_look(struct slot *slot, const struct room_files *files, struct look_log *log,
                struct look_head *head)
{
    char statm[256];
    bool is_full = head->level == LOOK_FULL;

    if (head->level == LOOK_NONE) {
        return;
    }
    uint32_t count = look_regions(slot, is_full ? files->smaps : files->maps);
    ssize_t bytes = pread(files->statm, statm, sizeof(statm) - 1, 0);
    if (bytes <= 0) {
        fail_end("/proc/self/statm");
    }
    statm[bytes] = '\0';
    head->pages = statm_field(statm, 0) - room_pages(STEP_LIMIT_PAGES);
    head->data = room_data_pages(statm_field(statm, 5));
    if (is_full) {
        head->locked = room_locked_pages();
        head->stack = room_stack_pages();
        linux_huge_count(head);
    }
    for (uint32_t i = 0; i < count; i++) {
        look_add_region(log, &regions[i]);
    }
    for (uint32_t i = 0; is_full && i < count; i++) {
        if ((regions[i].flags & LOOK_HUGETLB) != 0) {
            linux_huge_pages(slot, files->pagemap, files->memory, &regions[i], log);
        } else if (regions[i].object != 0) {
            look_object_pages(slot, files, log, &regions[i]);
        } else {
            look_pages(slot, files, log, &regions[i]);
        }
    }
}

uint64_t linux_look_forget_zeros(struct slot *slot, const struct room_files *files)
{
    uint32_t count = look_regions(slot, files->maps);
    uint64_t dropped = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t start = stage_to_linux(&slot->stage, (uint64_t)regions[i].first << PAGE_SHIFT);
        uint32_t pages = regions[i].end - regions[i].first;
        if (regions[i].object != 0) {
            continue;
        }
        read_entries(files, start, pages);
        for (uint32_t page = 0; page < pages; page++) {
            if ((entries[page] & PAGEMAP_PRESENT) == 0 ||
                (entries[page] & PAGEMAP_PFN) != zero_pfn) {
                continue;
            }
            if (madvise((void *)(start + (uint64_t)page * PAGE_SIZE), PAGE_SIZE, MADV_DONTNEED) !=
                0) {
                fail_end("a zero page stays");
            }
            dropped++;
        }
    }
    return dropped;
}
