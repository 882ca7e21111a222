/* SPDX-License-Identifier: MIT */
#include "others.h"

#include <base/assert.h>
#include <mem/prot.h>
#include <tap.h>

#include "stall.h"

struct other {
    uint32_t space; /* number; 0: there is none */
    uint32_t thread;
};

static struct other others[OTHERS];
static uint32_t mapped_pages;
static uint64_t writes;

static struct space *space_of(const struct other *other)
{
    return other->space == 0 ? NULL : space_find(stall_core(), other->space);
}

static struct thread *thread_of(const struct other *other)
{
    return thread_find(stall_core(), other->thread);
}

static bool is_idle(const struct other *other)
{
    return patient_answer(&stall.patient, thread_of(other))->is_there;
}

void others_start(uint32_t pages)
{
    mapped_pages = pages;
    for (unsigned i = 0; i < OTHERS; i++) {
        others[i] = (struct other){0};
    }
}

static void settle_in(struct other *other, struct space *space)
{
    other->space = space->number;
    other->thread = patient_thread(&stall.patient, space)->number;
}

/* A stranger that maps the object where the client has it. */
static void come(struct other *other)
{
    settle_in(other, world_space(stall.patient.world));
    (void)patient_ask(&stall.patient, thread_of(other),
                      (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, AT, mapped_pages,
                                             MEM_PROT_READ | MEM_PROT_WRITE, MEM_MAP_SHARED,
                                             stall.object_number, 0});
}

static void clone(struct other *other, struct other_counts *counts)
{
    struct space *made = NULL;

    if (stall.client->kept == 0 &&
        op_clone(stall_core(), stall.client, &(struct clone_request){.priority = 10}, &made) ==
            ERR_OK) {
        settle_in(other, made);
        counts->clones++;
    }
    core_done(stall_core());
}

static void end(struct other *other, struct other_counts *counts)
{
    counts->ended++;
    counts->ended_waiting += is_idle(other) ? 0 : 1;
    counts->ended_pinning += space_of(other)->pin_first != 0 ? 1 : 0;
    space_end(stall_core(), space_of(other));
    *other = (struct other){0};
    patient_go_on(&stall.patient);
}

static void ask(const struct other *other, uint64_t draw, struct other_counts *counts)
{
    const uint64_t page = AT + (draw >> 8) % mapped_pages;
    const uint64_t pages = 1 + (draw >> 16) % 4;
    const uint64_t flags = MEM_PIN_GET | (draw >> 24 & (MEM_PIN_WRITE | MEM_PIN_MAY_DROP));
    const uint64_t pin = stall_core()->head->pins.number - (draw >> 32) % 4;
    const uint64_t asks[][WAIT_WORDS] = {
        {ASK_TOUCH, page, MEM_PROT_READ},
        {ASK_TOUCH, page, MEM_PROT_WRITE, UINT64_C(1) << 32 | ++writes},
        {ASK_PIN, page, pages, flags, stall.client_number},
        {ASK_PIN, page, pages, flags, stall.client_number},
        {ASK_PIN, TO, pages, flags, stall.client_number},
        {ASK_PIN, page, pages, flags},
        {ASK_UNPIN, pin},
        {ASK_SYNC, AT, pages},
        {ASK_UNMAP, page, 1},
    };
    const uint64_t *words = asks[draw % (sizeof asks / sizeof asks[0])];

    if (is_idle(other) && patient_ask(&stall.patient, thread_of(other), words)) {
        const struct patient_answer *answer = patient_answer(&stall.patient, thread_of(other));

        counts->foreign_pins +=
            words[0] == ASK_PIN && words[4] != 0 && answer->error == ERR_OK ? 1 : 0;
    }
}

void others_step(uint64_t draw, struct other_counts *counts)
{
    struct other *other = &others[draw % OTHERS];
    const uint64_t rest = draw >> 8;

    if (other->space == 0 && (rest & 1) != 0) {
        come(other);
    } else if (other->space == 0) {
        clone(other, counts);
    } else if (rest % 8 == 0) {
        end(other, counts);
    } else {
        ask(other, rest >> 8, counts);
    }
}

uint32_t others_number(uint64_t draw)
{
    return others[draw % OTHERS].space;
}

void others_find_again(void)
{
    for (unsigned i = 0; i < OTHERS; i++) {
        if (others[i].space != 0) {
            ASSERT(space_of(&others[i]) != NULL && thread_of(&others[i]) != NULL);
            stall.patient.answers[others[i].thread].is_there = true;
        }
    }
}

void others_check(void)
{
    for (unsigned i = 0; i < OTHERS; i++) {
        if (others[i].space == 0) {
            continue;
        }
        const struct thread *thread = thread_of(&others[i]);
        uint32_t making = 0;

        ASSERT((thread->wait.state == WAIT_NONE) == is_idle(&others[i]));
        for (uint32_t link = space_of(&others[i])->pin_first; link != 0;
             link = pin_at(stall_core(), link)->next) {
            making += pin_at(stall_core(), link)->state == PIN_MAKING ? 1 : 0;
        }
        ASSERT(making == (thread->wait.making != 0 ? 1 : 0));
    }
}

void others_report(const struct other_counts *counts)
{
    tap_note("clones %llu, foreign pins %llu, clients ended %llu, waiting %llu, pinning %llu",
             (unsigned long long)counts->clones, (unsigned long long)counts->foreign_pins,
             (unsigned long long)counts->ended, (unsigned long long)counts->ended_waiting,
             (unsigned long long)counts->ended_pinning);
    EXPECT(counts->clones != 0 && counts->foreign_pins != 0);
    EXPECT(counts->ended_waiting != 0 && counts->ended_pinning != 0);
}

bool others_are_answered(void)
{
    for (unsigned i = 0; i < OTHERS; i++) {
        if (others[i].space != 0 && !is_idle(&others[i])) {
            return false;
        }
    }
    return true;
}
