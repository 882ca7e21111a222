/* SPDX-License-Identifier: MIT */
/*
 * Every layout of three huge pages, each free, private and written, private and untouched, or
 * shared and written, times every request on every range of them, and every pair of UNMAP and MAP
 * in a batch, compared with the mirror of huge pages.
 *
 * Neighbours that are alike come from one MAP.
 */
#include <tap.h>

#include "huge_mirror.h"

#define WINDOW  3u
#define LAYOUTS 64u /* 4 to the power of WINDOW */

static struct huge_mirror mirror;
static struct space *spaces[2];
static uint64_t cases;

static struct core *core_of(void)
{
    return &huge_world.world->core;
}

static uaddr_t place(uint32_t unit)
{
    return world_address(BLOCK + unit * HUGE);
}

static enum err map(uint32_t first, uint32_t end, uint32_t prot, uint32_t flags)
{
    const struct map_request request = {.address = place(first),
                                        .length = (end - first) * BYTES,
                                        .prot = prot,
                                        .flags = flags | MEM_MAP_FIXED};
    uaddr_t address;

    return op_map(core_of(), spaces[0], &request, &address);
}

static bool write_to(uint32_t side, uint32_t unit, uint64_t word)
{
    int page;
    const enum fault_outcome expected =
        huge_mirror_touch(&mirror, side, unit, MEM_PROT_WRITE, &page);

    if (expected == FAULT_READY) {
        mirror.page[page].word[0] = word;
    }
    return EXPECT_U64(world_write(huge_world.world, spaces[side],
                                  BLOCK + unit * HUGE + huge_mirror_parts[0], word),
                      expected);
}

/* What a unit of the layout is: 0 free, 1 private, 2 shared, 3 private and untouched. */
static uint32_t kind_of(uint32_t layout, uint32_t unit)
{
    return layout >> (2 * unit) & 3;
}

static void build(uint32_t layout)
{
    EXPECT_ERR(op_unmap(core_of(), spaces[0], place(0), HUGE_UNITS * BYTES), ERR_OK);
    huge_mirror_init(&mirror);
    for (uint32_t i = 0; i < WINDOW;) {
        const uint32_t kind = kind_of(layout, i);
        uint32_t end = i + 1;

        while (end < WINDOW && kind_of(layout, end) == kind) {
            end++;
        }
        if (kind != 0) {
            const uint32_t flags = kind == 2 ? SHARED : PRIVATE;

            EXPECT_ERR(huge_mirror_map(&mirror, 0, i, end, RW, flags), ERR_OK);
            EXPECT_ERR(map(i, end, RW, flags), ERR_OK);
        }
        for (; i < end; i++) {
            EXPECT(kind == 0 || kind == 3 || write_to(0, i, 100 + i));
        }
    }
}

static bool compare(enum err got, enum err expected)
{
    cases++;
    core_done(core_of());
    return EXPECT_ERR(got, expected) && huge_mirror_matches(&mirror, spaces);
}

static bool try_unmap(uint32_t layout, uint32_t first, uint32_t end)
{
    build(layout);
    huge_mirror_unmap(&mirror, 0, first, end);
    return compare(op_unmap(core_of(), spaces[0], place(first), (end - first) * BYTES), ERR_OK);
}

static bool try_protect(uint32_t layout, uint32_t first, uint32_t end)
{
    for (uint32_t prot = 0; prot < 2; prot++) {
        const struct protect_request request = {
            .address = place(first), .length = (end - first) * BYTES, .prot = prot};

        build(layout);
        const enum err expected = huge_mirror_protect(&mirror, 0, first, end, prot);

        if (!compare(op_protect(core_of(), spaces[0], &request), expected)) {
            return false;
        }
    }
    return true;
}

static bool try_advise(uint32_t layout, uint32_t first, uint32_t end)
{
    const struct advise_request request = {
        .address = place(first), .length = (end - first) * BYTES, .advice = MEM_ADVISE_DONTNEED};

    build(layout);
    enum err expected = huge_mirror_discard(&mirror, 0, first, end);

    if (!compare(op_advise(core_of(), spaces[0], &request), expected)) {
        return false;
    }
    build(layout);
    expected = huge_mirror_remove(&mirror, 0, first, end);
    return compare(op_remove(core_of(), spaces[0], &request), expected);
}

static bool try_map(uint32_t layout, uint32_t first, uint32_t end)
{
    static const uint32_t flags[] = {PRIVATE, SHARED, PRIVATE | MEM_MAP_NORESERVE};

    for (uint32_t i = 0; i < 3; i++) {
        build(layout);
        const enum err expected = huge_mirror_map(&mirror, 0, first, end, RW, flags[i]);

        if (!compare(map(first, end, RW, flags[i]), expected)) {
            return false;
        }
    }
    return true;
}

static bool try_move(uint32_t layout, uint32_t first, uint32_t end)
{
    for (uint32_t target = 0; target + (end - first) <= HUGE_UNITS; target++) {
        const struct remap_request request = {.address = place(first),
                                              .length_old = (end - first) * BYTES,
                                              .length_new = (end - first) * BYTES,
                                              .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
                                              .target = place(target)};
        uaddr_t address;

        build(layout);
        if (mirror.unit[0][first].object == HUGE_NOTHING ||
            huge_mirror_end(&mirror, 0, first) < end ||
            (target < end && first < target + end - first)) {
            continue;
        }
        huge_mirror_move(&mirror, 0, first, end, target);
        if (!compare(op_remap(core_of(), spaces[0], &request, &address), ERR_OK)) {
            return false;
        }
    }
    return true;
}

/* UNMAP of the range, then MAP of any other, in a batch. */
static bool try_batch(uint32_t layout, uint32_t first, uint32_t end)
{
    for (uint32_t from = 0; from < WINDOW + 1; from++) {
        for (uint32_t to = from + 1; to <= WINDOW + 1; to++) {
            struct batch_op ops[] = {
                {.sort = BATCH_UNMAP, .unmap = {place(first), (end - first) * BYTES}},
                {.sort = BATCH_MAP,
                 .map = {.address = place(from),
                         .length = (to - from) * BYTES,
                         .prot = RW,
                         .flags = (from % 2 == 0 ? PRIVATE : SHARED) | MEM_MAP_FIXED}},
            };
            struct huge_mirror trial;
            uint32_t refused;

            build(layout);
            trial = mirror;
            huge_mirror_unmap(&trial, 0, first, end);
            const enum err expected = huge_mirror_map(&trial, 0, from, to, RW, ops[1].map.flags);

            mirror = expected == ERR_OK ? trial : mirror;
            if (!compare(op_batch(core_of(), spaces[0], ops, 2, &refused), expected)) {
                tap_note("then map %u..%u", from, to);
                return false;
            }
        }
    }
    return true;
}

/* A clone, and each of the two writes to a unit first. */
static bool try_clone(uint32_t layout, uint32_t first, uint32_t end)
{
    for (uint32_t side = 0; end == first + 1 && side < 2; side++) {
        build(layout);
        const enum err expected = huge_mirror_clone(&mirror);
        bool is_right = compare(
            op_clone(core_of(), spaces[0], &(struct clone_request){.priority = 10}, &spaces[1]),
            expected);

        is_right = is_right && write_to(side, first, 200) && write_to(1 - side, first, 300) &&
                   huge_mirror_matches(&mirror, spaces);
        space_end(core_of(), spaces[1]);
        spaces[1] = NULL;
        if (!is_right) {
            return false;
        }
    }
    return true;
}

static bool (*const requests[])(uint32_t layout, uint32_t first, uint32_t end) = {
    try_unmap, try_protect, try_advise, try_map, try_move, try_batch, try_clone,
};

static bool try_layout(uint32_t layout)
{
    for (uint32_t first = 0; first < WINDOW; first++) {
        for (uint32_t end = first + 1; end <= WINDOW; end++) {
            for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
                if (!requests[i](layout, first, end)) {
                    tap_note("layout %u, request %zu on %u..%u", layout, i, first, end);
                    return false;
                }
            }
        }
    }
    return true;
}

TAP_TEST(r19_every_request_on_every_small_layout_of_huge_pages_does_what_the_mirror_says)
{
    huge_world_begin();
    spaces[0] = huge_world.space;
    for (uint32_t layout = 0; layout < LAYOUTS; layout++) {
        if (!try_layout(layout)) {
            return;
        }
        world_audit(huge_world.world);
    }
    tap_note("%llu cases", (unsigned long long)cases);
    EXPECT(cases > 5000);
    huge_world_end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r19_every_request_on_every_small_layout_of_huge_pages_does_what_the_mirror_says),
    };

    return TAP_RUN(argc, argv, tests);
}
