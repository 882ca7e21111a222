/* SPDX-License-Identifier: MIT */
/*
 * Comparison of two looks, aspect by aspect.
 */
#include "compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OBJECTS_MAX 64u

const char *compare_name(enum compare_aspect aspect)
{
    static const char *const names[COMPARE_ASPECTS] = {
        [COMPARE_EQUAL] = "equal",
        [COMPARE_ERROR] = "error",
        [COMPARE_SIGNAL] = "signal",
        [COMPARE_ANSWER] = "answer",
        [COMPARE_REGIONS] = "regions",
        [COMPARE_BORDERS] = "more regions than Linux",
        [COMPARE_PAGES] = "total pages",
        [COMPARE_DATA] = "total data pages",
        [COMPARE_LOCKED] = "total locked pages",
        [COMPARE_STACK] = "total stack pages",
        [COMPARE_HUGE] = "free huge pages",
        [COMPARE_PROMISED] = "promised huge pages",
        [COMPARE_RESIDENCE] = "residence",
        [COMPARE_CONTENTS] = "contents",
    };
    return names[aspect];
}

/* Walk over the regions of one side. */
struct walk {
    const struct look *look;
    uint32_t at;
    uint32_t flags; /* that are compared */
    uint32_t objects;
    uint32_t object[OBJECTS_MAX];
};

/* The number of an object by the order of appearance. */
static uint32_t object_order(struct walk *walk, uint32_t object)
{
    if (object == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < walk->objects; i++) {
        if (walk->object[i] == object) {
            return i + 1;
        }
    }
    if (walk->objects < OBJECTS_MAX) {
        walk->object[walk->objects++] = object;
    }
    return walk->objects;
}

static struct look_region normal(const struct walk *walk, uint32_t at)
{
    struct look_region region = walk->look->regions[at];

    region.flags &= walk->flags;
    region.offset = region.object == 0 ? 0 : region.offset;
    return region;
}

static bool continues(const struct look_region *before, const struct look_region *after)
{
    return before->end == after->first && before->flags == after->flags &&
           before->object == after->object &&
           (before->object == 0 || before->offset + (before->end - before->first) == after->offset);
}

/* The next joined region. Returns: false at the end. */
static bool walk_next(struct walk *walk, struct look_region *region)
{
    if (walk->at == walk->look->head->regions) {
        return false;
    }
    *region = normal(walk, walk->at++);
    while (walk->at < walk->look->head->regions) {
        struct look_region next = normal(walk, walk->at);
        if (!continues(region, &next)) {
            break;
        }
        region->end = next.end;
        walk->at++;
    }
    region->object = object_order(walk, region->object);
    return true;
}

static void region_text(char *text, size_t size, bool is_there, const struct look_region *region)
{
    if (is_there) {
        snprintf(text, size, "[%" PRIx32 ", %" PRIx32 ") flags %" PRIx32 " object %u at %" PRIx64,
                 region->first, region->end, region->flags, region->object, region->offset);
    } else {
        snprintf(text, size, "none");
    }
}

static bool regions_equal(const struct compare_options *options, const struct look *linux_look,
                          const struct look *ours, char text[COMPARE_TEXT_MAX])
{
    uint32_t flags = linux_look->head->level == LOOK_FULL ? options->flags : LOOK_VISIBLE;
    struct walk walk_linux = {.look = linux_look, .flags = flags};
    struct walk walk_ours = {.look = ours, .flags = flags};

    for (;;) {
        struct look_region a = {0};
        struct look_region b = {0};
        bool is_a = walk_next(&walk_linux, &a);
        bool is_b = walk_next(&walk_ours, &b);
        if (!is_a && !is_b) {
            return true;
        }
        if (is_a != is_b || memcmp(&a, &b, sizeof(a)) != 0) {
            char text_a[96];
            char text_b[96];
            region_text(text_a, sizeof(text_a), is_a, &a);
            region_text(text_b, sizeof(text_b), is_b, &b);
            snprintf(text, COMPARE_TEXT_MAX, "Linux: %s, ours: %s", text_a, text_b);
            return false;
        }
    }
}

static bool borders_equal(const struct look *linux_look, const struct look *ours,
                          char text[COMPARE_TEXT_MAX])
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < ours->head->regions; i++) {
        uint32_t first = ours->regions[i].first;
        while (at < linux_look->head->regions && linux_look->regions[at].first < first) {
            at++;
        }
        if (at == linux_look->head->regions || linux_look->regions[at].first != first) {
            snprintf(text, COMPARE_TEXT_MAX, "border at page %" PRIx32 " is ours alone", first);
            return false;
        }
    }
    return true;
}

static enum compare_aspect compare_pages(const struct compare_options *options,
                                         const struct look *linux_look, const struct look *ours,
                                         char text[COMPARE_TEXT_MAX])
{
    static const char *const states[] = {"absent", "own", "zero page", "the object's"};
    struct look_walk walk_linux = look_walk_begin(linux_look);
    struct look_walk walk_ours = look_walk_begin(ours);

    for (;;) {
        struct look_page a;
        struct look_page b;
        bool is_a = look_walk_next(&walk_linux, &a);
        bool is_b = look_walk_next(&walk_ours, &b);
        if (!is_a && !is_b) {
            return COMPARE_EQUAL;
        }
        uint32_t page = !is_b || (is_a && a.page < b.page) ? a.page : b.page;
        uint32_t state_a = is_a && a.page == page ? a.state : 0;
        uint32_t state_b = is_b && b.page == page ? b.state : 0;
        if (state_b == LOOK_ZERO && options->is_zero_hidden) {
            state_b = LOOK_OWN;
        }
        if (state_a != state_b) {
            snprintf(text, COMPARE_TEXT_MAX, "page %" PRIx32 ": Linux: %s, ours: %s", page,
                     states[state_a], states[state_b]);
            return COMPARE_RESIDENCE;
        }
        if (a.word.head != b.word.head || a.word.tail != b.word.tail) {
            snprintf(text, COMPARE_TEXT_MAX,
                     "page %" PRIx32 ": Linux: %" PRIx64 " .. %" PRIx64 ", ours: %" PRIx64
                     " .. %" PRIx64,
                     page, a.word.head, a.word.tail, b.word.head, b.word.tail);
            return COMPARE_CONTENTS;
        }
    }
}

static enum compare_aspect compare_word(enum compare_aspect aspect, uint64_t linux_word,
                                        uint64_t ours, char text[COMPARE_TEXT_MAX])
{
    if (linux_word == ours) {
        return COMPARE_EQUAL;
    }
    snprintf(text, COMPARE_TEXT_MAX, "Linux: 0x%" PRIx64 ", ours: 0x%" PRIx64, linux_word, ours);
    return aspect;
}

enum compare_aspect compare_answers(const struct look *linux_look, const struct look *ours,
                                    char text[COMPARE_TEXT_MAX])
{
    const struct look_head *a = linux_look->head;
    const struct look_head *b = ours->head;

    if (a->error != b->error) {
        snprintf(text, COMPARE_TEXT_MAX, "Linux: %s, ours: %s",
                 a->error == 0 ? "done" : strerror(a->error),
                 b->error == 0 ? "done" : strerror(b->error));
        return COMPARE_ERROR;
    }
    enum compare_aspect aspect = compare_word(COMPARE_SIGNAL, a->signal, b->signal, text);
    return aspect != COMPARE_EQUAL ? aspect
                                   : compare_word(COMPARE_ANSWER, a->answer, b->answer, text);
}

enum compare_aspect compare_states(const struct compare_options *options,
                                   const struct look *linux_look, const struct look *ours,
                                   char text[COMPARE_TEXT_MAX])
{
    const struct look_head *a = linux_look->head;
    const struct look_head *b = ours->head;
    bool is_full = a->level == LOOK_FULL;

    if (a->level == LOOK_NONE) {
        return COMPARE_EQUAL;
    }
    if (!regions_equal(options, linux_look, ours, text)) {
        return COMPARE_REGIONS;
    }
    if (is_full && !borders_equal(linux_look, ours, text)) {
        return COMPARE_BORDERS;
    }
    enum compare_aspect aspect = compare_word(COMPARE_PAGES, a->pages, b->pages, text);
    if (aspect == COMPARE_EQUAL) {
        aspect = compare_word(COMPARE_DATA, a->data, b->data, text);
    }
    if (aspect == COMPARE_EQUAL && is_full) {
        aspect = compare_word(COMPARE_LOCKED, a->locked, b->locked, text);
    }
    if (aspect == COMPARE_EQUAL && is_full) {
        aspect = compare_word(COMPARE_STACK, a->stack, b->stack, text);
    }
    if (aspect == COMPARE_EQUAL && is_full) {
        aspect = compare_word(COMPARE_HUGE, a->huge_free, b->huge_free, text);
    }
    if (aspect == COMPARE_EQUAL && is_full) {
        aspect = compare_word(COMPARE_PROMISED, a->huge_promised, b->huge_promised, text);
    }
    return aspect == COMPARE_EQUAL && is_full ? compare_pages(options, linux_look, ours, text)
                                              : aspect;
}
