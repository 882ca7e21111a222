/* SPDX-License-Identifier: MIT */
/*
 * Every layout of a window of five pages, each page free, writable and written, or readable and
 * read, times every request on every range of it, compared with the mirror. And every layout of
 * four, each free, or written and private or shared; and each free, of a stack, or read.
 *
 * The window lies across a boundary of 1 GiB, so that every layout has pages in two shadow leaves.
 */
#include <tap.h>

#include "mirror.h"

#define WINDOW_MOST 5u
#define KINDS       3u /* of pages; the first is free */

static struct world *world;
static struct space *space;
static struct mirror mirror;
static struct mirror clone;
static struct mirror empty;
static struct mirror_pool pool;
static uint32_t window;
static const uint32_t (*kinds)[2]; /* protection and type of each */
static uint64_t cases;

/* Make the window what `layout` says, page by page, so that joining is tried on the way. */
static void build(uint32_t layout)
{
    EXPECT_ERR(op_unmap(&world->core, space, world_address(empty.first), window * PAGE_SIZE),
               ERR_OK);
    mirror = empty;
    for (uint32_t i = 0; i < window; i++, layout /= KINDS) {
        uint32_t page = mirror.first + i;
        uint64_t word = 100 + i;
        struct map_request request = {
            .address = world_address(page),
            .length = PAGE_SIZE,
            .prot = kinds[layout % KINDS][0],
            .flags = kinds[layout % KINDS][1] | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
        };
        uint32_t access = request.prot == 3 ? MEM_PROT_WRITE : MEM_PROT_READ;
        uaddr_t address;

        if (layout % KINDS != 0) {
            EXPECT_ERR(mirror_map(&mirror, &request, &address), ERR_OK);
            EXPECT_ERR(op_map(&world->core, space, &request, &address), ERR_OK);
            EXPECT_U64(mirror_touch(&mirror, page, access, &word), FAULT_READY);
            EXPECT_U64(world_touch(world, space, page, access, &word), FAULT_READY);
        }
    }
}

static bool compare(enum err got, enum err expected)
{
    cases++;
    core_done(&world->core);
    return EXPECT_ERR(got, expected) && mirror_matches(&mirror, world, space);
}

static bool try_unmap(uint32_t layout, uint32_t first, uint32_t end)
{
    build(layout);
    enum err expected = mirror_unmap(&mirror, first, end);

    return compare(
        op_unmap(&world->core, space, world_address(first), (uint64_t)(end - first) * PAGE_SIZE),
        expected);
}

static bool try_protect(uint32_t layout, uint32_t first, uint32_t end)
{
    static const uint32_t prots[] = {0, 1, 3};

    for (uint32_t i = 0; i < 6; i++) {
        const struct protect_request request = {
            .address = world_address(first),
            .length = (uint64_t)(end - first) * PAGE_SIZE,
            .prot = prots[i / 2],
            .is_linux = i % 2 == 1,
        };

        build(layout);
        enum err expected = mirror_protect(&mirror, first, end, request.prot, request.is_linux);

        if (!compare(op_protect(&world->core, space, &request), expected)) {
            return false;
        }
    }
    return true;
}

static bool try_advise(uint32_t layout, uint32_t first, uint32_t end)
{
    static const uint32_t advices[] = {MEM_ADVISE_DONTNEED, MEM_ADVISE_DONTFORK,
                                       MEM_ADVISE_POPULATE_WRITE};

    for (uint32_t i = 0; i < 6; i++) {
        const struct advise_request request = {
            .address = world_address(first),
            .length = (uint64_t)(end - first) * PAGE_SIZE,
            .advice = advices[i / 2],
            .is_linux = i % 2 == 1,
        };

        build(layout);
        enum err expected = mirror_advise(&mirror, first, end, request.advice, request.is_linux);

        if (!compare(op_advise(&world->core, space, &request), expected)) {
            return false;
        }
    }
    return true;
}

static bool try_map(uint32_t layout, uint32_t first, uint32_t end)
{
    static const uint32_t flags[] = {MEM_MAP_FIXED, MEM_MAP_FIXED | MEM_MAP_FIXED_NOREPLACE, 0};

    for (uint32_t i = 0; i < 6; i++) {
        const struct map_request request = {
            .address = world_address(first),
            .length = (uint64_t)(end - first) * PAGE_SIZE,
            .prot = i % 2 == 0 ? 3 : 1,
            .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | flags[i / 2],
        };
        uaddr_t ours = {0};
        uaddr_t theirs = {0};

        build(layout);
        enum err expected = mirror_map(&mirror, &request, &ours);

        if (!compare(op_map(&world->core, space, &request, &theirs), expected) ||
            !EXPECT_U64(theirs.v, ours.v)) {
            return false;
        }
    }
    return true;
}

static bool try_remap(uint32_t layout, uint32_t first, uint32_t end)
{
    static const uint32_t flags[] = {0, 1, 3, 5, 7};

    for (uint32_t i = 0; i < 5; i++) {
        for (uint32_t pages = 1; pages <= 3; pages++) {
            uint32_t targets = (flags[i] & MEM_REMAP_FIXED) != 0 ? window - pages + 1 : 1;

            for (uint32_t target = 0; target < targets; target++) {
                const struct remap_request request = {
                    .address = world_address(first),
                    .length_old = (uint64_t)(end - first) * PAGE_SIZE,
                    .length_new = (uint64_t)pages * PAGE_SIZE,
                    .flags = flags[i],
                    .target = world_address(mirror.first + target),
                };
                uaddr_t ours = {0};
                uaddr_t theirs = {0};

                build(layout);
                enum err expected = mirror_remap(&mirror, &request, &ours);

                if (!compare(op_remap(&world->core, space, &request, &theirs), expected) ||
                    !EXPECT(expected != ERR_OK || theirs.v == ours.v)) {
                    return false;
                }
            }
        }
    }
    return true;
}

static bool try_lock(uint32_t layout, uint32_t first, uint32_t end)
{
    static const uint32_t locks[] = {REGION_LOCKED, REGION_LOCKS, 0};

    for (uint32_t i = 0; i < 6; i++) {
        const struct lock_request request = {
            .address = world_address(first),
            .length = (uint64_t)(end - first) * PAGE_SIZE,
            .flags = locks[i / 2] == REGION_LOCKS ? MEM_LOCK_ONFAULT : 0,
            .is_linux = i % 2 == 1,
        };

        build(layout);
        if (locks[i / 2] == 0) {
            mirror_lock_all(&mirror, REGION_LOCKED, 0, true);
            EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_CURRENT), ERR_OK);
        }
        enum err expected = mirror_lock(&mirror, first, end, locks[i / 2], request.is_linux);
        enum err got = locks[i / 2] == 0 ? op_unlock(&world->core, space, &request)
                                         : op_lock(&world->core, space, &request);

        if (!compare(got, expected)) {
            return false;
        }
    }
    return true;
}

static bool has_hole(uint32_t first, uint32_t end)
{
    for (uint32_t page = first; page < end; page++) {
        if (mirror.page[page - mirror.first].is_mapped == 0) {
            return true;
        }
    }
    return false;
}

/* All that is mapped has been touched, so that it is there; nothing changes. */
static bool try_look(uint32_t layout, uint32_t first, uint32_t end)
{
    static const uint32_t flags[] = {MEM_SYNC_SYNC, MEM_SYNC_ASYNC, MEM_SYNC_INVALIDATE};
    const uint64_t length = (uint64_t)(end - first) * PAGE_SIZE;
    uint8_t present[WINDOW_MOST];
    uint32_t count = 0;

    build(layout);
    const enum err expected = has_hole(first, end) ? ERR_NOMEM : ERR_OK;
    for (uint32_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        const struct sync_request request = {
            .address = world_address(first), .length = length, .flags = flags[i]};

        if (!compare(op_sync(&world->core, space, &request), expected)) {
            return false;
        }
    }
    if (!compare(op_incore(&world->core, space, world_address(first), length, WINDOW_MOST, present,
                           &count),
                 expected) ||
        !EXPECT(expected != ERR_OK || count == end - first)) {
        return false;
    }
    for (uint32_t i = 0; expected == ERR_OK && i < count; i++) {
        if (!EXPECT_U64(present[i], 1)) {
            return false;
        }
    }
    return true;
}

/* Copy the range to every place that does not overlap it, up to the first page that cannot be. */
static bool try_copy(uint32_t layout, uint32_t first, uint32_t end)
{
    const uint32_t pages = end - first;

    for (uint32_t to = mirror.first; to + pages <= mirror.first + window; to++) {
        const struct copy_request request = {.to = space,
                                             .from = space,
                                             .to_address = world_address(to),
                                             .from_address = world_address(first),
                                             .length = (uint64_t)pages * PAGE_SIZE};
        uint32_t done = 0;
        uint64_t copied = 0;

        if (to < end && first < to + pages) {
            continue;
        }
        build(layout);
        for (; done < pages; done++) {
            const bool is_new = has_hole(to + done, to + done + 1);
            uint64_t before = is_new ? 0 : mirror_word(&mirror, to + done);
            uint64_t word = 0;

            /* In this order: what is made present to be written stays so, a stack that grew too. */
            if (mirror_touch(&mirror, to + done, MEM_PROT_WRITE, &before) != FAULT_READY ||
                mirror_touch(&mirror, first + done, MEM_PROT_READ, &word) != FAULT_READY) {
                break;
            }
            (void)mirror_touch(&mirror, to + done, MEM_PROT_WRITE, &word);
        }
        if (!compare(op_copy(&world->core, &request, &copied),
                     done == pages ? ERR_OK : ERR_FAULT) ||
            !EXPECT_U64(copied, (uint64_t)done * PAGE_SIZE)) {
            return false;
        }
    }
    return true;
}

/* A page is written, and the last one read: where nothing is, a stack may grow down to it. */
static bool try_touch(uint32_t layout, uint32_t first, uint32_t end)
{
    static const uint32_t accesses[] = {MEM_PROT_WRITE, MEM_PROT_READ};

    build(layout);
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t page = i == 0 ? first : end - 1;
        uint64_t theirs = 300;
        uint64_t ours = 300;
        const enum fault_outcome expected = mirror_touch(&mirror, page, accesses[i], &theirs);

        if (!EXPECT_U64(world_touch(world, space, page, accesses[i], &ours), expected) ||
            !EXPECT_U64(ours, theirs) || !compare(ERR_OK, ERR_OK)) {
            return false;
        }
    }
    return true;
}

/* A clone writes to the range: what is private differs then, what is shared does not. */
static bool try_clone(uint32_t layout, uint32_t first, uint32_t end)
{
    struct space *child = NULL;

    build(layout);
    mirror_clone(&mirror, &clone);
    if (!compare(op_clone(&world->core, space, &(struct clone_request){.priority = 10}, &child),
                 ERR_OK)) {
        return false;
    }
    for (uint32_t page = first; page < end; page++) {
        uint64_t word = 200 + page - first;
        const enum fault_outcome expected = mirror_touch(&clone, page, MEM_PROT_WRITE, &word);

        EXPECT_U64(world_touch(world, child, page, MEM_PROT_WRITE, &word), expected);
    }
    const bool is_right =
        mirror_matches(&clone, world, child) && mirror_matches(&mirror, world, space);

    space_end(&world->core, child);
    clone = empty;
    return is_right && mirror_matches(&mirror, world, space);
}

static bool (*const requests[])(uint32_t layout, uint32_t first, uint32_t end) = {
    try_unmap, try_protect, try_advise, try_map,   try_remap,
    try_lock,  try_look,    try_copy,   try_touch, try_clone,
};

static bool try_layout(uint32_t layout)
{
    uint32_t last = empty.first + window;

    for (uint32_t first = empty.first; first < last; first++) {
        for (uint32_t end = first + 1; end <= last; end++) {
            for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
                if (!requests[i](layout, first, end)) {
                    build(layout);
                    mirror_note(&mirror, "layout");
                    tap_note("request %zu on %u..%u", i, first - empty.first, end - empty.first);
                    return false;
                }
            }
        }
    }
    return true;
}

/* Every layout of `pages` pages, each of one of these kinds. */
static void try_all(uint32_t pages, const uint32_t of[KINDS][2])
{
    uint32_t layouts = 1;

    window = pages;
    kinds = of;
    cases = 0;
    world = world_make(1000, COMMIT_ALWAYS);
    space = mirror_make(world, window, &empty);
    pool = (struct mirror_pool){.count = 0};
    mirror_join(&mirror, &pool);
    mirror_join(&clone, &pool);
    empty.pool = &pool;
    mirror = empty;
    clone = empty;
    for (uint32_t i = 0; i < window; i++) {
        layouts *= KINDS;
    }
    for (uint32_t layout = 0; layout < layouts; layout++) {
        if (!try_layout(layout)) {
            return;
        }
        world_audit(world);
    }
    tap_note("%llu cases", (unsigned long long)cases);
    space_end(&world->core, space);
    world_audit(world);
    world_free(world);
}

TAP_TEST(every_request_on_every_small_layout_does_what_the_mirror_says)
{
    static const uint32_t of[KINDS][2] = {{0, 0}, {3, MEM_MAP_PRIVATE}, {1, MEM_MAP_PRIVATE}};

    try_all(WINDOW_MOST, of);
}

TAP_TEST(every_request_on_every_small_layout_with_shared_pages_does_what_the_mirror_says)
{
    static const uint32_t of[KINDS][2] = {{0, 0}, {3, MEM_MAP_PRIVATE}, {3, MEM_MAP_SHARED}};

    try_all(WINDOW_MOST - 1, of);
}

TAP_TEST(every_request_on_every_small_layout_with_stacks_does_what_the_mirror_says)
{
    static const uint32_t of[KINDS][2] = {
        {0, 0}, {3, MEM_MAP_PRIVATE | MEM_MAP_GROWSDOWN}, {1, MEM_MAP_PRIVATE}};

    try_all(WINDOW_MOST - 1, of);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(every_request_on_every_small_layout_does_what_the_mirror_says),
        TAP(every_request_on_every_small_layout_with_shared_pages_does_what_the_mirror_says),
        TAP(every_request_on_every_small_layout_with_stacks_does_what_the_mirror_says),
    };

    return TAP_RUN(argc, argv, tests);
}
