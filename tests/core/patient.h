/* SPDX-License-Identifier: MIT */
/*
 * Threads of clients whose requests may wait, and a pager, for tests of core: what the shell does
 * with tokens and words, done with plain records.
 *
 * A request is a number of enum ask and its arguments. patient_ask() serves it; if it has to wait,
 * patient_go_on() starts it over when its event has come. How each ended stands in `answers`, by
 * thread number, until the next request of that thread.
 *
 * Owner: the test; the world is its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/core/lease.h"
#include "world.h"

#define PATIENT_THREADS 512u

enum ask {
    ASK_TOUCH = 1,    /* page, access, word to write: answers the word read */
    ASK_MAP,          /* page, pages, protection: anonymous, private */
    ASK_MAP_OBJECT,   /* page, pages, protection, flags, number of the object, its first page */
    ASK_UNMAP,        /* page, pages */
    ASK_PROTECT,      /* page, pages, protection */
    ASK_ADVISE,       /* page, pages, advice */
    ASK_LOCK,         /* page, pages */
    ASK_SYNC,         /* page, pages */
    ASK_COPY,         /* to page, from page, pages, whether not to wait: answers the bytes copied */
    ASK_READ_OBJECT,  /* to page, object, first page, pages: answers the bytes copied */
    ASK_WRITE_OBJECT, /* from page, object, first page, pages: answers the bytes copied */
    ASK_CLONE,        /* nothing: answers the number of the clone */
    ASK_NEXT,         /* object of the pager; answers in `work` */
    ASK_POPULATE,     /* first page, end: what is left of a MAP */
    ASK_PIN,          /* page, pages, MEM_PIN_..., 0 or another space, lease or 0: answers the
                       * pages, `pin` */
    ASK_UNPIN,        /* number of the pin, MEM_UNPIN_... */
    ASK_PIN_NEXT,     /* nothing: answers the pages, `pin` */
    ASK_RESIZE,       /* object, bytes */
};

struct patient_answer {
    bool is_there;
    enum err error; /* ERR_FAULT: a signal */
    enum fault_outcome outcome;
    uint64_t value;
    uint64_t pin; /* number; 0: none */
    bool is_dropped;
};

struct patient {
    struct world *world;
    uint64_t serial;
    uint64_t order; /* of the answer given last */
    struct pager_work work;
    struct pin_answer pin;  /* of the PIN served last */
    struct lease_look look; /* of the PIN_NEXT served last */
    /* Told of every access that was carried out, if it is not NULL. */
    void (*touched)(const struct thread *thread, uint32_t page, uint32_t access, uint64_t word);
    uint64_t orders[PATIENT_THREADS];
    struct patient_answer answers[PATIENT_THREADS];
};

/* Have a thread ask. Returns: whether it was answered at once. */
bool patient_ask(struct patient *patient, struct thread *thread, const uint64_t words[WAIT_WORDS]);

/* Short forms of frequent ones. */
bool patient_read(struct patient *patient, struct thread *thread, uint32_t page);
bool patient_write(struct patient *patient, struct thread *thread, uint32_t page, uint64_t word);

/* Start over all that can go on. */
void patient_go_on(struct patient *patient);

/* Let time pass, and end what has lasted too long. */
void patient_pass(struct patient *patient, uint64_t time);

/* What the thread was answered; is_there: it does not wait. */
const struct patient_answer *patient_answer(const struct patient *patient,
                                            const struct thread *thread);

/* A new thread, which waits for nothing. */
struct thread *patient_thread(struct patient *patient, struct space *space);
