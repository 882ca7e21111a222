/* SPDX-License-Identifier: MIT */
/*
 * Random entries against a model that thinks in pages: after each, every page and every frame is
 * as the model says, and the error is the one it expects. Interrupts come at random and must not
 * matter.
 *
 * Pages 0x200 .. 0x9ff are looked at, 2 MiB each for four level-0 tables; two of these come and go.
 */
#include <stdlib.h>

#include "mm/aspace.h"
#include "model.h"
#include "tap.h"

#define F(n)         (MODEL_FIRST + (n))
#define FIRST_PAGE   UINT64_C(0x200)
#define PAGES        2048u
#define SLOTS        4u /* level-0 tables or large leaves */
#define TABLE_FRAME  2u /* frames 2..5 are for tables */
#define FIRST_FRAME  512u
#define FRAMES       2048u /* 512 .. 2559 */
#define RUNS         40u
#define STEPS        400u
#define SEED_DEFAULT 1u

struct model {
    uint64_t leaf[PAGES]; /* frame and rights; 0: none */
    bool is_large[SLOTS];
    bool has_table[SLOTS];
    uint64_t word[FRAMES];
};

static uint64_t random_state;

/* xorshift64* */
static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % limit;
}

static uint64_t rights_of(uint64_t prot)
{
    static const uint64_t rights[8] = {0,
                                       PTE_READ,
                                       PTE_READ | PTE_WRITE,
                                       PTE_READ | PTE_WRITE,
                                       PTE_EXEC,
                                       PTE_READ | PTE_EXEC,
                                       PTE_RWX,
                                       PTE_RWX};
    return rights[prot];
}

static uint64_t leaf_make(uint64_t frame, uint64_t rights)
{
    const uint64_t dirty = (rights & PTE_WRITE) != 0 ? PTE_DIRTY : 0;
    return rights == 0 ? 0 : F(frame) << 10 | rights | dirty | PTE_VALID | PTE_USER | PTE_ACCESSED;
}

static void drop(struct model *model, uint64_t page)
{
    if (model->leaf[page] != 0) {
        model->word[(model->leaf[page] >> 10) - F(FIRST_FRAME)] -= FRAME_ONE;
        model->leaf[page] = 0;
    }
}

static void drop_slot(struct model *model, uint64_t slot)
{
    for (uint64_t i = 0; i < 512; i++) {
        drop(model, slot * 512 + i);
    }
    model->is_large[slot] = false;
}

/* What can be said of one frame for an install; `word` is the frame's. */
static enum err frame_error(enum map_op op, uint64_t word, uint64_t rights)
{
    if (op == MAP_INSTALL_ZERO) {
        return word <= FRAME_CLEAN ? ERR_OK : ERR_FRAME_KIND;
    }
    const uint64_t kind = word & 0xff;
    const bool is_wired = kind == FRAME_WIRED && (rights & PTE_WRITE) == 0;
    return kind == FRAME_USER || kind == FRAME_CLEAN || is_wired ? ERR_OK : ERR_FRAME_KIND;
}

static void put(struct model *model, enum map_op op, uint64_t page, uint64_t frame, uint64_t rights)
{
    uint64_t *word = &model->word[frame];
    if (op == MAP_INSTALL_ZERO) {
        *word = FRAME_USER;
    } else if (*word == FRAME_CLEAN) {
        *word = FRAME_USER;
    }
    *word += FRAME_ONE;
    drop(model, page);
    model->leaf[page] = leaf_make(frame + FIRST_FRAME, rights);
}

static enum err expect_install(struct model *model, enum map_op op, uint64_t page, uint64_t pages,
                               uint64_t frame, uint64_t prot)
{
    const uint64_t rights = rights_of(prot);
    for (uint64_t i = 0; i < pages; i++) {
        enum err error = model->has_table[(page + i) / 512] ? ERR_OK : ERR_NO_TABLE;
        if (error == ERR_OK) {
            error = frame_error(op, model->word[frame + i], rights);
        }
        if (error != ERR_OK) {
            for (uint64_t j = 0; j < i; j++) {
                drop(model, page + j);
            }
            return error;
        }
        put(model, op, page + i, frame + i, rights);
    }
    return ERR_OK;
}

static enum err expect_large(struct model *model, enum map_op op, uint64_t page, uint64_t frame,
                             uint64_t prot)
{
    const uint64_t slot = page / 512;
    if (model->has_table[slot]) {
        return ERR_EXIST;
    }
    drop_slot(model, slot); /* what stands there goes first */
    for (uint64_t i = 0; i < 512; i++) {
        const enum err error = frame_error(op, model->word[frame + i], rights_of(prot));
        if (error != ERR_OK) {
            return error;
        }
    }
    for (uint64_t i = 0; i < 512; i++) {
        put(model, op, page + i, frame + i, rights_of(prot));
    }
    model->is_large[slot] = true;
    return ERR_OK;
}

static void expect_restrict(struct model *model, uint64_t page, uint64_t pages, uint64_t prot)
{
    for (uint64_t slot = page / 512; slot <= (page + pages - 1) / 512; slot++) {
        const bool is_whole = page <= slot * 512 && page + pages >= slot * 512 + 512;
        if (model->is_large[slot] && !is_whole) {
            drop_slot(model, slot);
        }
    }
    for (uint64_t i = page; i < page + pages; i++) {
        const uint64_t rights = model->leaf[i] & rights_of(prot);
        if (model->leaf[i] != 0 && rights == 0) {
            drop(model, i);
            model->is_large[i / 512] = false;
        } else if (model->leaf[i] != 0) {
            model->leaf[i] = leaf_make((model->leaf[i] >> 10) - MODEL_FIRST, rights);
        }
    }
}

static enum err expect_table(struct model *model, enum map_op op, uint64_t slot)
{
    if (op == MAP_TABLE) {
        if (model->has_table[slot] || model->is_large[slot]) {
            return ERR_EXIST;
        }
        model->has_table[slot] = true;
        return ERR_OK;
    }
    if (!model->has_table[slot]) {
        return ERR_NO_TABLE;
    }
    drop_slot(model, slot);
    model->has_table[slot] = false;
    return ERR_OK;
}

/* The whole state is as the model says. */
static bool is_same(const struct aspace *aspace, const struct model *model)
{
    for (uint64_t i = 0; i < PAGES; i++) {
        unsigned level;
        const uint64_t leaf = model_leaf(aspace, FIRST_PAGE + i, &level);
        uint64_t expected = model->leaf[i];
        if (model->is_large[i / 512]) {
            expected -= (i % 512) << 10;
        }
        if (!EXPECT_U64(leaf, expected) ||
            (leaf != 0 && !EXPECT_U64(level, model->is_large[i / 512] ? 1 : 0))) {
            tap_note("page 0x%llx", (unsigned long long)(FIRST_PAGE + i));
            return false;
        }
    }
    for (uint64_t i = 0; i < FRAMES; i++) {
        uint64_t word = model_word(FIRST_FRAME + i);
        uint64_t expected = model->word[i];
        /* Whether frames that a refused entry left unmapped are zeroed already is not said. */
        word = word <= FRAME_CLEAN ? FRAME_FREE : word;
        expected = expected <= FRAME_CLEAN ? FRAME_FREE : expected;
        if (!EXPECT_U64(word, expected)) {
            tap_note("frame %llu", (unsigned long long)(FIRST_FRAME + i));
            return false;
        }
    }
    return true;
}

/* Adopt what the model does not say: FREE, USER or CLEAN of unused frames. */
static void adopt_unused(struct model *model)
{
    for (uint64_t i = 0; i < FRAMES; i++) {
        if (model->word[i] <= FRAME_CLEAN) {
            model->word[i] = model_word(FIRST_FRAME + i);
        }
    }
}

/* One random entry; *expected is the error that the model has for it. */
static struct map_entry random_step(struct model *model, enum err *expected)
{
    const uint64_t kind = random_below(10);
    const uint64_t prot = 1 + random_below(7);
    const uint64_t page = random_below(PAGES);
    uint64_t pages = 1 + random_below(random_below(4) == 0 ? 700 : 6);
    uint64_t frame = random_below(FRAMES);
    pages = page + pages > PAGES ? PAGES - page : pages;
    pages = frame + pages > FRAMES ? FRAMES - frame : pages;
    if (kind < 5) {
        const enum map_op op = kind < 3 ? MAP_INSTALL_ZERO : MAP_INSTALL;
        *expected = expect_install(model, op, page, pages, frame, prot);
        return model_entry(op, FIRST_PAGE + page, pages, F(FIRST_FRAME + frame), prot, 0);
    }
    if (kind == 5) {
        const enum map_op op = random_below(2) == 0 ? MAP_INSTALL_ZERO : MAP_INSTALL;
        const uint64_t at = page / 512 * 512;
        frame = frame / 512 * 512;
        *expected = expect_large(model, op, at, frame, prot);
        return model_entry(op, FIRST_PAGE + at, 512, F(FIRST_FRAME + frame), prot, MAP_LARGE);
    }
    if (kind < 8) {
        expect_restrict(model, page, pages, 0);
        *expected = ERR_OK;
        return model_entry(MAP_REMOVE, FIRST_PAGE + page, pages, 0, 0, 0);
    }
    if (kind == 8) {
        const uint64_t keep = random_below(8);
        expect_restrict(model, page, pages, keep);
        *expected = ERR_OK;
        return model_entry(MAP_RESTRICT, FIRST_PAGE + page, pages, 0, keep, 0);
    }
    const enum map_op op = random_below(2) == 0 ? MAP_TABLE : MAP_UNTABLE;
    const uint64_t slot = random_below(SLOTS);
    *expected = expect_table(model, op, slot);
    return model_entry(op, FIRST_PAGE + slot * 512, 1, F(TABLE_FRAME + slot), 0, 0);
}

TAP_TEST(random_entries_do_what_the_model_says)
{
    static struct model model;
    const char *seed_opt = getenv("HOLDFAST_SEED");
    const uint64_t seed = seed_opt != NULL ? strtoull(seed_opt, NULL, 0) : SEED_DEFAULT;
    tap_note("seed %llu (HOLDFAST_SEED)", (unsigned long long)seed);
    for (uint64_t run = 0; run < RUNS; run++) {
        struct aspace aspace;
        random_state = seed * 1000003 + run * 7919 + 1;
        model = (struct model){.word = {0}};
        model_start(MODEL_PAGES);
        model_space(&aspace, 0, false);
        REQUIRE(model_map(&aspace, MAP_TABLE, FIRST_PAGE, 1, F(1), 1, 0) == ERR_OK);
        model_fill(FIRST_FRAME + 100, 8, FRAME_WIRED);
        for (uint64_t i = 100; i < 108; i++) {
            model.word[i] = FRAME_WIRED;
        }
        for (uint64_t step = 0; step < STEPS; step++) {
            enum err expected;
            uint64_t done;
            adopt_unused(&model);
            const struct map_entry entry = random_step(&model, &expected);
            model_interrupt_in = random_below(30);
            const enum err error = model_apply(&aspace, &entry, 1, &done);
            if (!EXPECT_ERR(error, expected) || !is_same(&aspace, &model)) {
                tap_note("run %llu, step %llu: where %016llx what %016llx", (unsigned long long)run,
                         (unsigned long long)step, (unsigned long long)entry.where,
                         (unsigned long long)entry.what);
                return;
            }
        }
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(random_entries_do_what_the_model_says),
    };
    return TAP_RUN(argc, argv, tests);
}
