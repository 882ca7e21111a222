/* SPDX-License-Identifier: MIT */
#include "swapper.h"

#include <string.h>

#include <base/assert.h>
#include <mem/prot.h>
#include <tap.h>

#include "server/core/page.h"
#include "server/core/shadow.h"

struct swapper swapper;

struct core *swapper_core(void)
{
    return &swapper.patient.world->core;
}

/* Memory of the pager: locked for good, and there. */
static void make_memory(uint32_t pages)
{
    ASSERT(op_lock_all(swapper_core(), swapper.server, MEM_LOCK_FUTURE) == ERR_OK);
    world_map(swapper.patient.world, swapper.server, SWAPPER_FROM, pages,
              MEM_PROT_READ | MEM_PROT_WRITE);
    ASSERT(swapper.server->own == pages);
}

void swapper_prepare(uint32_t frames, uint32_t slots, uint32_t window)
{
    const struct pager_object_request request = {
        .key = 1,
        .bytes = (uint64_t)slots * PAGE_SIZE,
        .patience = SWAPPER_PATIENCE,
        .window = window,
    };

    ASSERT(slots <= SWAPPER_SLOTS);
    memset(&swapper, 0, sizeof swapper);
    swapper.patient.world = world_make(frames, COMMIT_ALWAYS);
    swapper.client = world_space(swapper.patient.world);
    swapper.server = world_space(swapper.patient.world);
    swapper.server->settings.privileges |= SPACE_PRIVILEGE_SWAP | SPACE_PRIVILEGE_LOCK;
    swapper_core()->time = 1;
    make_memory(window);
    ASSERT(op_pager_make(swapper_core(), swapper.server, &(struct pager_request){.is_served = true},
                         &swapper.named) == ERR_OK);
    ASSERT(op_pager_object(swapper_core(), swapper.server, swapper.named, &request,
                           &swapper.area) == ERR_OK);
    for (unsigned i = 0; i < SWAPPER_THREADS; i++) {
        swapper.threads[i] = patient_thread(&swapper.patient, swapper.client);
        swapper.thread_numbers[i] = swapper.threads[i]->number;
    }
    swapper.client_number = swapper.client->number;
    swapper.server_number = swapper.server->number;
    swapper.named_number = swapper.named->number;
    swapper.area_number = swapper.area->number;
}

void swapper_start(uint32_t frames, uint32_t slots, uint32_t window)
{
    swapper_prepare(frames, slots, window);
    ASSERT(op_swap(swapper_core(), swapper.server, swapper.area, true) == ERR_OK);
}

void swapper_restart(void)
{
    const uint64_t time = swapper_core()->time;
    uint32_t torn = 0;

    world_restart(swapper.patient.world);
    swapper_core()->time = time;
    EXPECT_ERR(core_recover(swapper_core(), &torn), ERR_OK);
    swapper.client = space_find(swapper_core(), swapper.client_number);
    swapper.server = space_find(swapper_core(), swapper.server_number);
    swapper.named = object_find(swapper_core(), swapper.named_number);
    swapper.area = object_find(swapper_core(), swapper.area_number);
    for (unsigned i = 0; i < SWAPPER_THREADS; i++) {
        swapper.threads[i] = thread_find(swapper_core(), swapper.thread_numbers[i]);
        swapper.patient.answers[swapper.thread_numbers[i]].is_there = true;
    }
    world_audit(swapper.patient.world);
}

void swapper_finish(void)
{
    struct core *core = swapper_core();

    world_audit(swapper.patient.world);
    while (space_first(core) != NULL) {
        space_end(core, space_first(core));
        world_audit(swapper.patient.world);
    }
    EXPECT_U64(core->head->objects.records, 0);
    EXPECT_U64(core->head->pool.kept, 0);
    EXPECT_U64(core->head->reclaim.waiters.first, 0);
    world_free(swapper.patient.world);
}

void swapper_map(uint32_t page, uint32_t pages)
{
    world_map(swapper.patient.world, swapper.client, SWAPPER_AT + page, pages,
              MEM_PROT_READ | MEM_PROT_WRITE);
}

struct object *swapper_map_memory(uint32_t pages)
{
    const struct object_request request = {.bytes = (uint64_t)pages * PAGE_SIZE};
    struct object *object = NULL;

    EXPECT_ERR(op_object_make(swapper_core(), swapper.client, &request, &object), ERR_OK);
    EXPECT_ERR(
        swapper_ask(swapper.threads[0], (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, SWAPPER_AT, pages,
                                                               MEM_PROT_READ | MEM_PROT_WRITE,
                                                               MEM_MAP_SHARED, object->number, 0})
            ->error,
        ERR_OK);
    return object;
}

void swapper_move(void)
{
    const struct remap_request request = {.address = world_address(SWAPPER_AT),
                                          .length_old = SWAPPER_MOVED * PAGE_SIZE,
                                          .length_new = SWAPPER_MOVED * PAGE_SIZE,
                                          .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
                                          .target = world_address(SWAPPER_AT + SWAPPER_THERE)};
    uaddr_t address;

    EXPECT_ERR(op_remap(swapper_core(), swapper.client, &request, &address), ERR_OK);
}

enum err swapper_take(struct pager_work *work)
{
    const enum err error = op_pager_next(swapper_core(), swapper.server, swapper.named, work);

    core_done(swapper_core());
    return error;
}

/* Read a page of the area, as it is now. */
static uint64_t read_slot(uint64_t slot)
{
    const struct copy_object_request copy = {
        .space = swapper.server,
        .object = swapper.area,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_WRITE,
        .address = world_address(SWAPPER_FROM),
        .offset = slot * PAGE_SIZE,
        .length = PAGE_SIZE,
    };
    uint64_t copied = 0;
    uint64_t word = 0;

    EXPECT_ERR(op_copy_object(swapper_core(), &copy, &copied), ERR_OK);
    EXPECT_U64(copied, PAGE_SIZE);
    EXPECT_U64(world_read(swapper.patient.world, swapper.server, SWAPPER_FROM, &word), FAULT_READY);
    return word;
}

static enum err save(const struct pager_work *work)
{
    const struct settle_request settle = {.number = work->number,
                                          .first = work->first,
                                          .pages = work->pages,
                                          .generation = work->generation,
                                          .reason = ERR_OK};

    for (uint64_t i = 0; i < work->pages; i++) {
        swapper.store[work->first + i] = read_slot(work->first + i);
    }
    swapper.saved += work->pages;
    const enum err error = op_supply_wrote(swapper_core(), swapper.server, swapper.named, &settle);

    op_pageout_finish(swapper_core());
    return error;
}

static enum err supply(const struct pager_work *work)
{
    const struct supply_request request = {.number = work->number,
                                           .first = work->first,
                                           .pages = work->pages,
                                           .generation = work->generation,
                                           .address = world_address(SWAPPER_FROM),
                                           .way = SUPPLY_COPY};
    uint64_t done = 0;

    for (uint32_t i = 0; i < work->pages; i++) {
        EXPECT_U64(world_write(swapper.patient.world, swapper.server, SWAPPER_FROM + i,
                               swapper.store[work->first + i]),
                   FAULT_READY);
    }
    swapper.supplied += work->pages;
    return op_supply(swapper_core(), swapper.server, swapper.named, &request, &done);
}

enum err swapper_answer(const struct pager_work *work)
{
    enum err error = ERR_OK;

    if (work->kind != PAGER_WORK_GONE) {
        error = work->kind == PAGER_WORK_SAVE ? save(work) : supply(work);
    }
    core_done(swapper_core());
    patient_go_on(&swapper.patient);
    return error;
}

void swapper_serve(void)
{
    struct pager_work work;

    while (swapper_take(&work) == ERR_OK) {
        EXPECT_ERR(swapper_answer(&work), ERR_OK);
    }
}

const struct patient_answer *swapper_ask(struct thread *thread, const uint64_t words[WAIT_WORDS])
{
    struct pager_work work;
    bool is_over = patient_ask(&swapper.patient, thread, words);

    /* One thing after the other: more than it waits for is not needed. */
    while (!is_over && !patient_answer(&swapper.patient, thread)->is_there &&
           EXPECT_ERR(swapper_take(&work), ERR_OK)) {
        EXPECT_ERR(swapper_answer(&work), ERR_OK);
        is_over = patient_answer(&swapper.patient, thread)->is_there;
    }
    return patient_answer(&swapper.patient, thread);
}

void swapper_write(uint32_t page, uint64_t word)
{
    const struct patient_answer *answer =
        swapper_ask(swapper.threads[0],
                    (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT + page, MEM_PROT_WRITE, word});

    EXPECT_ERR(answer->error, ERR_OK);
}

uint64_t swapper_read(uint32_t page)
{
    const struct patient_answer *answer = swapper_ask(
        swapper.threads[0], (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT + page, MEM_PROT_READ});

    EXPECT_ERR(answer->error, ERR_OK);
    return answer->value;
}

void swapper_squeeze(void)
{
    const uint64_t low = swapper_core()->head->pool.low;

    /* As if all were needed: each run looks at every frame once. */
    swapper_core()->head->pool.low = MODEL_FRAMES;
    for (unsigned i = 0; i < 40; i++) {
        reclaim_serve(swapper_core());
        swapper_serve();
    }
    swapper_core()->head->pool.low = low;
}

uint64_t swapper_entry(uint32_t page)
{
    return page_entry(swapper_core(), swapper.client, SWAPPER_AT + page);
}

bool swapper_is_away(uint32_t page)
{
    const uint64_t entry = swapper_entry(page);

    return shadow_entry_state(entry) == SHADOW_SWAPPED &&
           swap_frame(swapper_core(), shadow_entry_frame(entry)) == 0;
}

void swapper_start_away(uint32_t pages)
{
    swapper_start(SWAPPER_FRAMES, 256, 8);
    swapper_map(0, pages);
    for (uint32_t page = 0; page < pages; page++) {
        swapper_write(page, swapper_word(page));
    }
    swapper_squeeze();
    for (uint32_t page = 0; page < pages; page++) {
        EXPECT(swapper_is_away(page));
    }
    world_audit(swapper.patient.world);
}

uint64_t swapper_used(void)
{
    struct swap_view view;

    swap_look(swapper_core(), &view);
    return view.used;
}

struct reclaim_counts swapper_counts(void)
{
    return swapper_core()->head->reclaim.count;
}
