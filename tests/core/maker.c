/* SPDX-License-Identifier: MIT */
#include "maker.h"

#include <string.h>

#include <base/assert.h>
#include <mem/prot.h>
#include <tap.h>

#include "server/core/fault_quick.h"

struct maker maker;

struct core *maker_core(void)
{
    return &maker.patient.world->core;
}

/* A process of `root`, as init starts them; NULL: it cannot be made. */
struct space *maker_process(uint32_t privileges)
{
    struct space_settings settings = world_settings();
    struct space *space = NULL;

    settings.maker = maker.root->number;
    settings.privileges = privileges;
    return space_make(maker_core(), &settings, &space) == ERR_OK ? space : NULL;
}

/* The process has what it needs at first, for good, and serves the pager. */
enum err maker_attach(void)
{
    struct map_request request = {.address = world_address(MAKER_FROM),
                                  .length = MAKER_WINDOW * PAGE_SIZE,
                                  .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                                  .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED |
                                           MEM_MAP_POPULATE};
    uaddr_t address;
    enum err error = op_lock_all(maker_core(), maker.server, MEM_LOCK_FUTURE);

    if (error == ERR_OK) {
        error = op_map(maker_core(), maker.server, &request, &address);
    }
    if (error == ERR_OK && maker.server->own != MAKER_WINDOW) {
        error = ERR_NOMEM;
    }
    return error == ERR_OK ? op_pager_attach(maker_core(), maker.server, maker.named) : error;
}

void maker_start(uint32_t frames, uint32_t reserve)
{
    const uint32_t privileges = SPACE_PRIVILEGE_SWAP | SPACE_PRIVILEGE_LOCK;
    const struct pager_request pager = {.reserve = reserve};
    const struct pager_object_request object = {.key = 1,
                                                .bytes = MAKER_PAGES * PAGE_SIZE,
                                                .patience = MAKER_PATIENCE,
                                                .window = MAKER_WINDOW,
                                                .flags = OBJECT_WAITS};

    memset(&maker, 0, sizeof maker);
    maker.patient.world = world_make(frames, COMMIT_ALWAYS);
    maker_core()->time = 1;
    maker.root = world_space(maker.patient.world);
    maker.root->settings.privileges |= privileges;
    maker.server = maker_process(privileges);
    maker.client = maker_process(0);
    EXPECT_ERR(op_pager_make(maker_core(), maker.root, &pager, &maker.named), ERR_OK);
    EXPECT_ERR(maker_attach(), ERR_OK);
    EXPECT_ERR(op_pager_object(maker_core(), maker.server, maker.named, &object, &maker.object),
               ERR_OK);
    for (unsigned i = 0; i < 2; i++) {
        maker.threads[i] = patient_thread(&maker.patient, maker.client);
    }
    EXPECT(patient_ask(&maker.patient, maker.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, MAKER_AT, MAKER_PAGES,
                                              MEM_PROT_READ | MEM_PROT_WRITE, MEM_MAP_SHARED,
                                              maker.object->number, 0}));
    world_audit(maker.patient.world);
}

void maker_finish(void)
{
    world_audit(maker.patient.world);
    /* Who made the others ends last. */
    for (struct space *space = space_first(maker_core()); space != NULL;
         space = space_first(maker_core())) {
        struct space *next = space_next(maker_core(), space);

        space_end(maker_core(), space == maker.root && next != NULL ? next : space);
        world_audit(maker.patient.world);
    }
    EXPECT_U64(maker_core()->head->pool.kept, 0);
    EXPECT_U64(maker_core()->head->pool.lent, 0);
    EXPECT_U64(maker_core()->head->objects.records, 0);
    world_free(maker.patient.world);
}

struct reserve_view maker_view(void)
{
    struct reserve_view seen;

    reserve_look(maker_core(), &seen);
    return seen;
}

/* A process touches a page, as the shell has it: from its reserve if nobody else's is left. */
enum fault_outcome maker_touch(struct space *space, uint32_t page, uint32_t access)
{
    struct core *core = maker_core();
    struct fault_answer answer;
    enum fault_outcome outcome = fault_quick(core, space, page_to_vpn(page), access, &answer);

    if (outcome == FAULT_NO_FRAME && reserve_is_for(core, space)) {
        core->spender = space->number;
        outcome = fault_quick(core, space, page_to_vpn(page), access, &answer);
        core->spender = 0;
    }
    if (outcome == FAULT_READY) {
        fault_install(core, space, page, &answer);
    }
    core_done(core);
    return outcome;
}

/* What a piece of work needs besides what is locked: memory that is touched, and given back. */
bool maker_has_scratch(void)
{
    uaddr_t address;
    const struct map_request request = {.address = world_address(MAKER_SCRATCH),
                                        .length = MAKER_NEEDS * PAGE_SIZE,
                                        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                                        .flags =
                                            MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED};
    bool has_all = true;

    maker_core()->spender = maker.server->number;
    const enum err error = op_map(maker_core(), maker.server, &request, &address);

    maker_core()->spender = 0;
    maker_core()->need = (struct need){0}; /* that it is populated at once is not needed */
    for (uint32_t i = 0; i < MAKER_NEEDS && error == ERR_OK; i++) {
        has_all =
            has_all && maker_touch(maker.server, MAKER_SCRATCH + i, MEM_PROT_WRITE) == FAULT_READY;
    }
    return error == ERR_OK && has_all;
}

void maker_drop_scratch(void)
{
    EXPECT_ERR(
        op_unmap(maker_core(), maker.server, world_address(MAKER_SCRATCH), MAKER_NEEDS * PAGE_SIZE),
        ERR_OK);
    core_done(maker_core());
}

static uint64_t read_page(uint64_t page)
{
    const struct copy_object_request copy = {.space = maker.server,
                                             .object = maker.object,
                                             .rights = MAP_RIGHT_READ,
                                             .address = world_address(MAKER_FROM),
                                             .offset = page * PAGE_SIZE,
                                             .length = PAGE_SIZE};
    uint64_t copied = 0;
    uint64_t word = 0;

    EXPECT_ERR(op_copy_object(maker_core(), &copy, &copied), ERR_OK);
    EXPECT_U64(world_read(maker.patient.world, maker.server, MAKER_FROM, &word), FAULT_READY);
    return word;
}

static enum err answer(const struct pager_work *work)
{
    const struct settle_request settle = {.number = work->number,
                                          .first = work->first,
                                          .pages = work->pages,
                                          .generation = work->generation};
    const struct supply_request supply = {.number = work->number,
                                          .first = work->first,
                                          .pages = work->pages,
                                          .generation = work->generation,
                                          .address = world_address(MAKER_FROM),
                                          .way = SUPPLY_COPY};
    uint64_t done = 0;

    if (work->kind == PAGER_WORK_SAVE) {
        for (uint64_t i = 0; i < work->pages; i++) {
            maker.store[work->first + i] = read_page(work->first + i);
        }
        maker.saved += work->pages;
        return op_supply_wrote(maker_core(), maker.server, maker.named, &settle);
    }
    for (uint32_t i = 0; i < work->pages; i++) {
        EXPECT_U64(world_write(maker.patient.world, maker.server, MAKER_FROM + i,
                               maker.store[work->first + i]),
                   FAULT_READY);
    }
    return op_supply(maker_core(), maker.server, maker.named, &supply, &done);
}

/* One piece of work. Returns: whether it could be done: whether there was one, and its frames. */
bool maker_serve(void)
{
    struct pager_work work;
    const bool has_work = op_pager_next(maker_core(), maker.server, maker.named, &work) == ERR_OK &&
                          maker_has_scratch();

    if (has_work) {
        EXPECT_ERR(answer(&work), ERR_OK);
        maker_drop_scratch();
    }
    core_done(maker_core());
    patient_go_on(&maker.patient);
    return has_work;
}

/* The client writes to a page, the maker serving as long as it can. Returns: whether it is done. */
bool maker_write(uint32_t page, uint64_t word)
{
    bool is_over =
        patient_ask(&maker.patient, maker.threads[0],
                    (uint64_t[WAIT_WORDS]){ASK_TOUCH, MAKER_AT + page, MEM_PROT_WRITE, word});

    while (!is_over && !patient_answer(&maker.patient, maker.threads[0])->is_there) {
        if (!maker_serve()) {
            return false;
        }
    }
    return patient_answer(&maker.patient, maker.threads[0])->error == ERR_OK;
}

/* The client takes all that is anybody's, in pages of its own, which nothing takes away. */
void maker_take_all(void)
{
    world_map(maker.patient.world, maker.client, MAKER_TAKEN, 2 * MAKER_FRAMES,
              MEM_PROT_READ | MEM_PROT_WRITE);
    for (uint32_t i = 0; i < 2 * MAKER_FRAMES; i++) {
        if (maker_touch(maker.client, MAKER_TAKEN + i, MEM_PROT_WRITE) != FAULT_READY) {
            return;
        }
    }
    EXPECT(false);
}
