/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stddef.h>
#include <stdio.h>

#include "event.h"
#include "object.h"
#include "regions.h"

static const char *report_kind_name(uint8_t kind)
{
    static const char *const names[] = {
        [REGION_FILE] = "file", [REGION_ANON] = "anon", [REGION_STACK] = "stack"};

    return names[kind];
}

static void report_prot_text(uint32_t prot, char text[4])
{
    for (unsigned i = 0; i < 3; i++) {
        text[i] = (prot & (1u << i)) != 0 ? "rwx"[i] : '-';
    }
    text[3] = '\0';
}

static void report_print_region(uint64_t start, uint64_t end, const struct block_traits *traits)
{
    char prot[4];

    report_prot_text(traits->prot, prot);
    (void)printf("%lx-%lx %s %s%s\n", (unsigned long)start, (unsigned long)end, prot,
                 report_kind_name(traits->kind),
                 (traits->attributes & BLOCK_SHARED) != 0 ? ",shared" : "");
}

/* Print each run of blocks that continue each other as one region; returns how many there are. */
static uint64_t report_print_regions(const struct replay *replay)
{
    const struct block *block = block_first(&replay->blocks, 0);
    uint64_t count = 0;

    while (block != NULL) {
        const struct block *first = block;
        uint64_t end = block->end;

        for (block = block_next(block); block != NULL && block->is_continued;
             block = block_next(block)) {
            end = block->end;
        }
        report_print_region(block_start(first), end, &first->traits);
        count++;
    }
    return count;
}

static void report_print_count(const char *name, uint64_t count)
{
    (void)printf("%s: %lu\n", name, (unsigned long)count);
}

void report_print(const struct replay *replay)
{
    const struct replay_counts *counts = &replay->counts;
    uint64_t regions = report_print_regions(replay);

    report_print_count("regions", regions);
    (void)printf("events:");
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
        (void)printf(" %s %lu", event_name((enum event_kind)kind),
                     (unsigned long)counts->events[kind]);
    }
    (void)printf("\ntouches: r %lu w %lu x %lu\n", (unsigned long)counts->touches_read,
                 (unsigned long)counts->touches_write, (unsigned long)counts->touches_exec);
    report_print_count("resident pages", replay->patterns.resident);
    report_print_count("resident pages at most", counts->resident_max);
    report_print_count("merges", replay->blocks.merges);
    report_print_count("stack growths", counts->stack_growths);
    report_print_count("calls made in pieces", counts->calls_split);
    report_print_count("refused calls skipped", counts->calls_skipped);
    if (replay->has_faults) {
        report_print_count("faults", replay->faults);
    } else {
        (void)printf("faults: not counted here\n");
    }
    if (replay->instructions == 0) {
        (void)printf("instructions: not counted here\n");
    } else {
        report_print_count("instructions", replay->instructions);
    }
}

static void report_print_run(const struct regions_one *run)
{
    char prot[4];

    if (run->start < run->end) {
        report_prot_text(run->prot, prot);
        (void)printf("system %lx-%lx %s\n", (unsigned long)run->start, (unsigned long)run->end,
                     prot);
    }
}

void report_print_system(const struct replay *replay)
{
    const struct block *block = block_first(&replay->blocks, 0);
    struct regions_one run = {0}; /* in recorded addresses; empty before the first */

    for (; block != NULL; block = block_next(block)) {
        uint64_t at = block_start(block);
        struct regions_one one;

        while (at < block->end && regions_at(at + block->distance, &one) &&
               one.start < block->end + block->distance) {
            uint64_t start = one.start - block->distance;
            uint64_t end = one.end - block->distance;

            start = one.start > at + block->distance ? start : at;
            end = one.end < block->end + block->distance ? end : block->end;
            if (start != run.end || one.prot != run.prot) {
                report_print_run(&run);
                run = (struct regions_one){.start = start, .prot = one.prot};
            }
            run.end = end;
            at = end;
        }
    }
    report_print_run(&run);
}

static const struct block *report_next_own(const struct block *block)
{
    struct order_node *next = block->by_own.next[0];

    return next == NULL ? NULL : ORDER_ENTRY(next, struct block, by_own);
}

/*
 * The blocks from `block` on that touch each other in own addresses: where they end, and how many
 * regions they are. Returns the block behind them.
 */
static const struct block *report_own_run(const struct block *block, uint64_t *end,
                                          uint64_t *regions)
{
    const struct block *before = block;

    *regions = 1;
    for (;;) {
        *end = before->end + before->distance;
        block = report_next_own(before);
        if (block == NULL || block_own_start(block) != *end) {
            return block;
        }
        *regions += object_is_one_region(before, block) ? 0 : 1;
        before = block;
    }
}

enum outcome report_check_regions(const struct replay *replay)
{
    const struct event *last = &replay->trace->events[replay->trace->events_count - 1];
    struct order_node *node = order_first(&replay->blocks.by_own);
    const struct block *block = node == NULL ? NULL : ORDER_ENTRY(node, struct block, by_own);
    uint64_t sum = 0;
    uint64_t sum_needed = 0;

    while (block != NULL) {
        uint64_t start = block_own_start(block);
        uint64_t end;
        uint64_t count;
        uint64_t needed;

        block = report_own_run(block, &end, &needed);
        if (!regions_count(start, end, &count)) {
            (void)printf("system regions: not counted here\n");
            return OUTCOME_OK;
        }
        sum += count;
        sum_needed += needed;
    }
    (void)printf("system regions: %lu, needed %lu\n", (unsigned long)sum,
                 (unsigned long)sum_needed);
    if (sum > sum_needed) {
        return complain_answer(replay_place(replay, last),
                               "the system keeps %lu regions where %lu would do",
                               (unsigned long)sum, (unsigned long)sum_needed);
    }
    return OUTCOME_OK;
}

void report_print_reclaimed(void)
{
    uint64_t swapped;
    uint64_t of_files;

    if (regions_reclaimed(&swapped, &of_files)) {
        (void)printf("reclaimed: %lu pages to swap, %lu of files\n", (unsigned long)swapped,
                     (unsigned long)of_files);
    } else {
        (void)printf("reclaimed: not counted here\n");
    }
}
