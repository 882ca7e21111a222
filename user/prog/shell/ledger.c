/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include <inttypes.h>
#include <stdio.h>

#include <hf/env.h>
#include <hf/error.h>
#include <hf/pin.h>

#define KIB_PER_PAGE (HF_PAGE_BYTES / 1024)
#define UNLIMITED    UINT64_MAX

/* Purposes come from anybody: what a terminal would take for more than a letter is a question
 * mark. */
static void purpose_print(const struct mem_pin_row *row)
{
    for (unsigned i = 0; i < sizeof(row->purpose) && row->purpose[i] != '\0'; i++) {
        const char letter = row->purpose[i];
        putchar(letter >= ' ' && letter <= '~' ? letter : '?');
    }
    putchar('\n');
}

/* The number of a process; one that has ended has none. */
static void id_print(uint64_t id)
{
    if (id == 0) {
        printf("   ended");
    } else {
        printf("%8" PRIu64, id);
    }
}

/* Its owner was asked to give up; its lease is over and he has not asked; it lasts. */
static char lease_mark(const struct mem_pin_row *row)
{
    if ((row->flags & MEM_PINS_TOLD) != 0) {
        return '?';
    }
    return (row->flags & MEM_PINS_OVER) != 0 ? '!' : ' ';
}

static void row_print(const struct mem_pin_row *row)
{
    printf("%6" PRIu64, row->pin);
    id_print(row->by_id);
    id_print(row->of_id);
    printf("  %010" PRIx64 " %6" PRIu32 " %c%c%c %7" PRIu64 ".%03" PRIu64 " ", row->start,
           row->pages, (row->flags & MEM_PIN_WRITE) != 0 ? 'w' : 'r',
           (row->flags & MEM_PIN_LONGTERM) != 0 ? 'l' : '-', row->device != 0 ? 'd' : '-',
           row->age_ms / 1000, row->age_ms % 1000);
    if (row->lease_ms == 0) {
        printf("%9s  ", "-");
    } else {
        printf("%8" PRIu64 "%c  ", row->lease_ms, lease_mark(row));
    }
    purpose_print(row);
}

uint64_t ledger_print(const struct target *target)
{
    static struct mem_pin_row rows[MEM_PINS_MAX];
    struct mem_pins_rep rep = {.next = 0};
    uint64_t pins = 0;
    printf("   pin      by      of  address     pages use      age s  lease ms  purpose\n");
    do {
        enum err error =
            hf_pins(target->space, MEM_PINS_BY | MEM_PINS_OF, rep.next, MEM_PINS_MAX, rows, &rep);
        if (error != ERR_OK) {
            printf("shell: %s\n", hf_strerror(error));
            return COMMAND_FAILED;
        }
        for (uint64_t i = 0; i < rep.count; i++) {
            row_print(&rows[i]);
        }
        pins += rep.count;
    } while (rep.next != 0);
    printf("%" PRIu64 " pins; it has pinned %" PRIu64 " pages", pins, rep.pinned);
    if (rep.limit == UNLIMITED) {
        printf(" without limit\n");
    } else {
        printf(" of %" PRIu64 " that it may lock\n", rep.limit);
    }
    return COMMAND_DONE;
}

void ledger_print_totals(void)
{
    struct mem_pins_rep rep;
    struct mem_pin_row row;
    if (hf_pins(HF_OWN_SPACE, 0, 0, 0, &row, &rep) == ERR_OK) {
        printf("of programs, kept by pins alone  %8" PRIu64 " frames %9" PRIu64 " KiB\n",
               rep.detained, rep.detained * KIB_PER_PAGE);
        printf("in quarantine for devices        %8" PRIu64 " frames %9" PRIu64 " KiB\n",
               rep.quarantined, rep.quarantined * KIB_PER_PAGE);
    }
}
