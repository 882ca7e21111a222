/* SPDX-License-Identifier: MIT */
/*
 * A machine with few frames: a client with a few threads, and a process that serves a swap area.
 *
 * What the area holds is kept by word, as real pagers keep it on a disk: a page that was saved is
 * what it supplies later. It does nothing that the test does not make it do.
 *
 * Owner: the test program, one at a time.
 */
#pragma once

#include "patient.h"

#define SWAPPER_AT       0x2000u /* where the client maps its memory */
#define SWAPPER_FROM     0x8000u /* the pager's own memory */
#define SWAPPER_SLOTS    1024u
#define SWAPPER_THREADS  4u
#define SWAPPER_PATIENCE 1000u

struct swapper {
    struct patient patient;
    struct space *client;
    struct space *server;
    struct object *named;
    struct object *area;
    struct thread *threads[SWAPPER_THREADS];
    uint64_t store[SWAPPER_SLOTS]; /* the first word of what was saved */
    uint64_t saved;                /* pages, since the start */
    uint64_t supplied;
    uint64_t client_number;
    uint64_t server_number;
    uint64_t named_number;
    uint64_t area_number;
    uint32_t thread_numbers[SWAPPER_THREADS];
};

extern struct swapper swapper;

/* `frames` of the machine; `slots` of the area, of which `window` are saved at once. */
void swapper_start(uint32_t frames, uint32_t slots, uint32_t window);
/* The same, but that the object is no area yet. */
void swapper_prepare(uint32_t frames, uint32_t slots, uint32_t window);
/* A new instance of the server, which has recovered and audited. What has ended is NULL. */
void swapper_restart(void);
/* Check everything, end all, and see that nothing is left. */
void swapper_finish(void);

/* Core of its world. */
struct core *swapper_core(void);

/* Map `pages` pages of the client's own from SWAPPER_AT + `page` on. */
void swapper_map(uint32_t page, uint32_t pages);
/* Map shared memory of so many pages there, from SWAPPER_AT on. */
struct object *swapper_map_memory(uint32_t pages);

/* Move its first pages elsewhere. */
#define SWAPPER_MOVED 4u
#define SWAPPER_THERE 64u /* behind SWAPPER_AT */
void swapper_move(void);

/* The client's thread 0 writes or reads, with the pager serving as long as it has to wait. */
void swapper_write(uint32_t page, uint64_t word);
uint64_t swapper_read(uint32_t page);
/* The same for any thread, which must be answered. Returns: what it was answered. */
const struct patient_answer *swapper_ask(struct thread *thread, const uint64_t words[WAIT_WORDS]);

/* Every frame that nobody keeps is taken: the hand goes round until nothing more is free. */
void swapper_squeeze(void);

/* What the pager does. Returns: as the request; ERR_WOULD_BLOCK: there is nothing to do. */
enum err swapper_take(struct pager_work *work);
enum err swapper_answer(const struct pager_work *work);
void swapper_serve(void);

/* The entry of a page of the client. */
uint64_t swapper_entry(uint32_t page);

/* Frames of a small machine, and the word that is written to a page of its client. */
#define SWAPPER_FRAMES 320u
static inline uint64_t swapper_word(uint32_t page)
{
    return UINT64_C(0x5a5a000000) + page;
}

/* Whether all of a page has gone: only the pager has it. */
bool swapper_is_away(uint32_t page);
/* A small machine with a few pages, all of which were written and have gone. */
void swapper_start_away(uint32_t pages);

/* Slots in use, and what reclaim has counted. */
uint64_t swapper_used(void);
struct reclaim_counts swapper_counts(void);
