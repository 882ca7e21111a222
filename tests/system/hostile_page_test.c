/* SPDX-License-Identifier: MIT */
/*
 * Message pages that change under a request, as another thread of the client's can make them: what
 * the memory server reads of them may be any mixture, and may change between any two looks.
 */
#include <stdatomic.h>
#include <string.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/shared.h>
#include <hf/thread.h>
#include <tap.h>

#include "balance.h"
#include "child.h"

#define REQUESTS    2000
#define YIELD_AFTER 64u /* words */
#define SLOTS       40u /* of the thread that asks for handles: from HANDLE_FREE + SLOTS on */

/* Statuses of children that are no error of a request. */
#define NOT_ASKED 250
#define NONE_DONE 251
#define ACCOUNTS  252

/* What is written to the page. */
struct scribble {
    unsigned words;                                    /* so many, from its start */
    uint64_t (*draw)(unsigned index, uint64_t random); /* what may stand in one of them */
};

static struct {
    const struct scribble *scribble;
    void (*ask)(void *argument);
    void *argument;
    _Atomic(uint64_t *) page; /* NULL: the one who asks has not begun */
    atomic_bool is_over;
    atomic_bool is_gone;
} shared;

static void scribbler_run(void *argument)
{
    uint64_t random = 88172645463325252u;

    (void)argument;
    /* It gives its turn away now and then, so that it comes in between on one hart too. */
    for (unsigned i = 0; !atomic_load(&shared.is_over); i++) {
        volatile uint64_t *page = atomic_load(&shared.page);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const unsigned index = (unsigned)(random >> 32) % shared.scribble->words;
        if (page != NULL) {
            page[index] = shared.scribble->draw(index, random);
        }
        if (page == NULL || i % YIELD_AFTER == 0) {
            (void)hf_yield();
        }
    }
    atomic_store(&shared.is_gone, true);
}

static void asker_run(void *argument)
{
    (void)argument;
    atomic_store(&shared.page, (uint64_t *)hf_message_page());
    shared.ask(shared.argument);
    atomic_store(&shared.is_over, true);
    while (!atomic_load(&shared.is_gone)) { /* the page goes with this thread */
        (void)hf_yield();
    }
}

/*
 * Call `ask` in a thread of its own while another one scribbles over that thread's message page,
 * until it returns. Returns: whether both threads could be made; if not, nothing was asked.
 */
static bool scribble_beside(const struct scribble *scribble, void (*ask)(void *), void *argument)
{
    static struct hf_thread scribbler;
    static struct hf_thread asker;

    shared.scribble = scribble;
    shared.ask = ask;
    shared.argument = argument;
    atomic_store(&shared.page, NULL);
    atomic_store(&shared.is_over, false);
    atomic_store(&shared.is_gone, false);
    if (hf_thread_run(&scribbler, PRIORITY_DEFAULT, scribbler_run, NULL) != ERR_OK) {
        return false;
    }
    const bool is_asked = hf_thread_run(&asker, PRIORITY_DEFAULT, asker_run, NULL) == ERR_OK;
    if (is_asked) {
        hf_thread_join(&asker);
    }
    atomic_store(&shared.is_over, true);
    hf_thread_join(&scribbler);
    return is_asked;
}

/* Any word anywhere: all that is asked for is in registers. */
static uint64_t draw_anything(unsigned index, uint64_t random)
{
    (void)index;
    return random;
}

struct asker {
    struct mem_query_rep before;
    uint64_t wrong;
};

static void ask_in_registers(void *argument)
{
    struct asker *asker = argument;
    struct mem_query_rep now;
    uint64_t count;

    asker->wrong = hf_query(HF_OWN_SPACE, 0, 0, NULL, &asker->before) != ERR_OK;
    for (int i = 0; i < REQUESTS; i++) {
        static struct mem_region regions[8]; /* what they say is anything: the page is shared */
        if (hf_query(HF_OWN_SPACE, 0, 8, regions, &now) != ERR_OK ||
            now.regions_total != asker->before.regions_total ||
            now.pages_total != asker->before.pages_total ||
            hf_handles_read(0, 0, &count) != ERR_OK || count == 0) {
            asker->wrong++;
        }
    }
}

TAP_TEST(a_message_page_that_changes_under_a_request_harms_nobody)
{
    static const struct scribble scribble = {HF_PAGE_BYTES / sizeof(uint64_t), draw_anything};
    static struct asker asker;

    REQUIRE(scribble_beside(&scribble, ask_in_registers, &asker));
    EXPECT_U64(asker.wrong, 0);
}

/* Where batches that change while they are read may do what they like: no op leaves twice that. */
#define BATCH_PAGES UINT64_C(32)
#define OP_WORDS    (sizeof(struct mem_batch_op) / sizeof(uint64_t))
static uint64_t batch_area;

/* What has a meaning in this word of an operation, or now and then anything. */
static uint64_t draw_op_word(unsigned index, uint64_t random)
{
    static const uint64_t numbers[] = {MEM_MAP,    MEM_UNMAP, MEM_PROTECT, MEM_REMAP,
                                       MEM_ADVISE, MEM_LOCK,  MEM_UNLOCK,  MEM_QUERY};
    const uint64_t third[] = {
        random >> 40 & (MEM_PROT_READ | MEM_PROT_WRITE | MEM_PROT_EXEC),
        (uint64_t)(MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED) << 32 |
            (random >> 40 & (MEM_PROT_READ | MEM_PROT_WRITE)),
        (random >> 40) % BATCH_PAGES * HF_PAGE_BYTES,
        MEM_ADVISE_DONTNEED,
    };

    if (random >> 8 & 31) {
        switch (index % OP_WORDS) {
        case 0:
            return numbers[random >> 16 & 7];
        case 1:
            return batch_area + (random >> 16) % BATCH_PAGES * HF_PAGE_BYTES;
        case 2:
            return (1 + (random >> 16) % BATCH_PAGES) * HF_PAGE_BYTES;
        case 3:
            return third[random >> 16 & 3];
        default:
            return 0;
        }
    }
    return random;
}

/* Errors of BATCH and of what may be in one (mem/proto.h), but for those of handles. */
static bool is_error_of_batch(enum err error)
{
    static const enum err errors[] = {ERR_INVAL, ERR_NOMEM, ERR_OPNOTSUPP, ERR_NOSYS,
                                      ERR_PERM,  ERR_AGAIN, ERR_FAULT,     ERR_ACCES,
                                      ERR_EXIST, ERR_BADF,  ERR_OVERFLOW,  ERR_RANGE};

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (error == errors[i]) {
            return true;
        }
    }
    return false;
}

/* Pages of the area, one an operation: mapped anew, or removed. */
static void batch_write(struct mem_batch_op *ops, uint64_t count, bool is_map)
{
    const uint64_t how = (uint64_t)(MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED) << 32 |
                         MEM_PROT_READ | MEM_PROT_WRITE;

    for (uint64_t i = 0; i < count; i++) {
        ops[i] = (struct mem_batch_op){
            .head = is_map ? MEM_MAP : MEM_UNMAP,
            .words = {batch_area + i % BATCH_PAGES * HF_PAGE_BYTES, HF_PAGE_BYTES,
                      is_map ? how : 0},
        };
    }
}

/* The status is 0, the first error that is none of those, or NONE_DONE. */
static void ask_batches(void *argument)
{
    int *status = argument;
    unsigned done = 0;

    for (unsigned i = 0; i < REQUESTS && *status == 0; i++) {
        struct hf_message message = {.words = {MEM_BATCH, 1 + i % MEM_BATCH_MAX}};
        batch_write(hf_message_page(), message.words[1], i % 2 == 0);
        (void)hf_yield();
        const enum err error = hf_mem_call(&message);
        done += error == ERR_OK;
        *status = error == ERR_OK || is_error_of_batch(error) ? 0 : (int)error;
    }
    if (*status == 0 && done == 0) {
        *status = NONE_DONE;
    }
}

static int role_batches(void)
{
    const struct scribble scribble = {MEM_BATCH_MAX * OP_WORDS, draw_op_word};
    const struct hf_map map = {
        .length = 2 * BATCH_PAGES * HF_PAGE_BYTES,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS,
    };
    struct mem_query_rep before;
    struct mem_query_rep after;
    int status = 0;

    if (hf_query(HF_OWN_SPACE, 0, 0, NULL, &before) != ERR_OK ||
        hf_map(map, &batch_area) != ERR_OK || !scribble_beside(&scribble, ask_batches, &status) ||
        hf_unmap(HF_OWN_SPACE, batch_area, map.length) != ERR_OK ||
        hf_query(HF_OWN_SPACE, 0, 0, NULL, &after) != ERR_OK) {
        return NOT_ASKED;
    }
    if (before.regions_total != after.regions_total || before.pages_total != after.pages_total) {
        return ACCOUNTS;
    }
    return status;
}

/* Names of eight letters, four of which are one or another: whatever is read is one of 16. */
#define NAMES 16u
static uint64_t name_of(uint64_t number)
{
    const uint64_t a = UINT64_C(0x6161616161616161);
    return a + (number & 1) + ((number >> 1 & 1) << 16) + ((number >> 2 & 1) << 40) +
           ((number >> 3 & 1) << 56);
}

static uint64_t draw_name(unsigned index, uint64_t random)
{
    (void)index;
    return name_of(random >> 16);
}

static enum err ask_by_name(uint64_t request, uint64_t number, uint64_t object)
{
    const uint64_t rights = request != MEM_OBJECT_UNNAME ? MEM_OBJECT_READ : 0;
    struct hf_message message = {
        .tag = request == MEM_OBJECT_NAME ? HF_HANDLE_AT(6) : 0,
        .words = {request, sizeof(uint64_t), rights, 0, 0, 0, object},
    };

    *(volatile uint64_t *)hf_message_page() = name_of(number);
    (void)hf_yield();
    const enum err error = hf_mem_call(&message);
    if (error == ERR_OK && request == MEM_OBJECT_OPEN) {
        return hf_shared_close(message.words[1]);
    }
    return error;
}

struct named {
    uint64_t object;
    int status;
};

static void ask_by_names(void *argument)
{
    struct named *named = argument;
    enum err error = hf_accept(HANDLE_FREE + SLOTS, 4);

    for (unsigned i = 0; i < REQUESTS && error == ERR_OK; i++) {
        error = ask_by_name(MEM_OBJECT_NAME, i, named->object);
        error = error == ERR_EXIST ? ERR_OK : error;
        for (unsigned j = 0; j < 2 && error == ERR_OK; j++) {
            error = ask_by_name(j == 0 ? MEM_OBJECT_OPEN : MEM_OBJECT_UNNAME, i + j, 0);
            error = error == ERR_NOENT ? ERR_OK : error;
        }
    }
    named->status = (int)error;
}

static int role_names(void)
{
    const struct scribble scribble = {1, draw_name};
    struct named named;

    if (hf_shared_make(HF_PAGE_BYTES, 0, 0, &named.object) != ERR_OK ||
        !scribble_beside(&scribble, ask_by_names, &named)) {
        return NOT_ASKED;
    }
    for (unsigned i = 0; i < NAMES && named.status == 0; i++) { /* nobody scribbles any longer */
        (void)ask_by_name(MEM_OBJECT_UNNAME, i, 0);
        enum err error = ask_by_name(MEM_OBJECT_NAME, i, named.object);
        error = error == ERR_OK ? ask_by_name(MEM_OBJECT_UNNAME, i, 0) : error;
        named.status = (int)error;
    }
    return named.status;
}

/* Run a child that is to find nothing wrong, and to leave nothing behind. */
static void run_scribbled(const char *role)
{
    struct mem_next_rep end;

    REQUIRE(child_run("nothing", "", &end));
    const struct balance before = balance_look();
    REQUIRE(child_run(role, "", &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
    balance_expect(&before);
}

TAP_TEST(a_batch_that_changes_while_it_is_read_harms_only_who_sent_it)
{
    run_scribbled("batches");
}

TAP_TEST(a_name_that_changes_while_it_is_read_is_one_name)
{
    run_scribbled("names");
}

static int role_run(const char *role)
{
    if (strcmp(role, "batches") == 0) {
        return role_batches();
    }
    return strcmp(role, "names") == 0 ? role_names() : 0;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_message_page_that_changes_under_a_request_harms_nobody),
        TAP(a_batch_that_changes_while_it_is_read_harms_only_who_sent_it),
        TAP(a_name_that_changes_while_it_is_read_is_one_name),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_run(role_opt);
    }
    return TAP_RUN(argc, argv, tests);
}
