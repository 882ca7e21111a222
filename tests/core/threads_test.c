/* SPDX-License-Identifier: MIT */
/*
 * Several server threads at once, each with random faults and requests on many spaces, which come
 * and go; everything is checked whenever all of them stand still, and nothing is missing in the
 * end.
 *
 * Before it gives a space back each hands over what it has gathered, as the shell does.
 *
 * Built twice: against the model of the kernel, and for a tool that looks for races.
 */
#define _POSIX_C_SOURCE 200809L /* barriers, for -std=c11 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <base/assert.h>
#include <mem/prot.h>
#include <mem/proto.h>
#include <tap.h>

#include "server/core/op_batch.h"
#include "server/core/op_clone.h"
#include "server/core/port.h"
#include "server/core/shared.h"
#include "threads_stage.h"

#define WORKERS 4u
#define SPACES  12u
#define ROUNDS  24u
#define TURNS   600u
/* Pages that requests are about: three blocks of 512, so that tables come and go. */
#define FIRST_PAGE UINT32_C(0x7fe00)
#define SPAN       1200u

/* One server thread of the test. */
struct hand {
    struct core core;
    pthread_t thread;
    uint64_t random;
    uint64_t done;
    uint64_t gone;    /* spaces that had ended */
    uint64_t serial;  /* of the fault that it decided last */
    uint64_t late;    /* faults that another server thread has answered, or whose thread ended */
    uint64_t settled; /* of these: by another */
};

static _Atomic uint64_t badges[SPACES]; /* of the spaces that stand; 0: none. Under `processes` */
static struct object *object;
static struct hand hands[WORKERS];
static pthread_barrier_t barrier;

static uint64_t pick(struct hand *hand, uint64_t below)
{
    hand->random ^= hand->random << 13;
    hand->random ^= hand->random >> 7;
    hand->random ^= hand->random << 17;
    return (hand->random >> 8) % below;
}

/* Let others come in between. */
static void linger(struct hand *hand)
{
    for (uint64_t i = pick(hand, 3); i > 0; i--) {
        (void)sched_yield();
    }
}

static uint32_t number_of(uint64_t badge)
{
    return (uint32_t)(badge & (ARENA_PAGES - 1));
}

static uaddr_t pick_address(struct hand *hand)
{
    return vpn_to_uaddr(page_to_vpn(FIRST_PAGE + (uint32_t)pick(hand, SPAN)));
}

static uint64_t pick_length(struct hand *hand)
{
    uint64_t pages = pick(hand, 8) == 0 ? SPAN : 1 + pick(hand, 24);

    return pages * PAGE_SIZE;
}

static void make_space(struct hand *hand, uint32_t index)
{
    const struct space_settings settings = {
        .lowest = {0x10000},
        .base = {UINT64_C(0x3ff0000000)},
        .regions_max = 40,
        .pages_max = MEM_UNLIMITED,
        .data_max = MEM_UNLIMITED,
        .stack_max = MEM_UNLIMITED,
        .locked_max = 64 * PAGE_SIZE,
        .priority = 10,
    };
    struct space *space;

    /* A refusal for want of frames leaves the place empty. */
    if (space_make(&hand->core, &settings, &space) == ERR_OK) {
        atomic_store(&badges[index], space->badge);
    }
}

static void end_space(struct hand *hand, uint32_t index)
{
    const uint64_t badge = atomic_load(&badges[index]);

    if (badge != 0) {
        struct space *space = space_find(&hand->core, number_of(badge));

        EXPECT(space != NULL && space->badge == badge);
        atomic_store(&badges[index], 0);
        space_end(&hand->core, space);
    }
}

/* A clone in the place of the other space, which ends. */
static void clone_space(struct hand *hand, struct space *space, uint32_t other)
{
    const struct clone_request request = {.priority = 10};
    struct space *clone;

    end_space(hand, other);
    if (op_clone(&hand->core, space, &request, &clone) == ERR_OK) {
        atomic_store(&badges[other], clone->badge);
    }
}

/* Two operations at once. */
static void run_batch(struct hand *hand, struct space *space)
{
    struct batch_op ops[] = {
        {.sort = BATCH_UNMAP, .unmap = {pick_address(hand), pick_length(hand)}},
        {.sort = BATCH_MAP,
         .map = {.length = pick_length(hand),
                 .prot = MEM_PROT_READ,
                 .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS}},
    };
    uint32_t refused;
    enum err error = op_batch(&hand->core, space, ops, 2, &refused);

    EXPECT(error == ERR_OK || error == ERR_NOMEM);
}

/* What needs `processes`: spaces and threads come and go, two spaces at once. */
static void act_on_processes(struct hand *hand, uint32_t index)
{
    struct core *core = &hand->core;
    const uint32_t other = (uint32_t)pick(hand, SPACES);

    mutex_take(core, &core->head->processes);
    const uint64_t badge = atomic_load(&badges[index]);
    const uint64_t other_badge = atomic_load(&badges[other]);
    struct space *space = badge == 0 ? NULL : space_find(core, number_of(badge));

    if (space == NULL) {
        make_space(hand, index);
    } else if (pick(hand, 3) == 0) {
        end_space(hand, index);
        core_settle(core);
    } else if (pick(hand, 4) == 0 && other != index) {
        clone_space(hand, space, other);
    } else if (pick(hand, 4) == 0) {
        run_batch(hand, space);
    } else if (pick(hand, 2) == 0) {
        struct thread *thread;

        space_lock(core, space->number);
        if (thread_make(core, space, space->threads, 5, &thread) == ERR_OK && pick(hand, 2) == 0) {
            thread_end(core, thread);
        }
        enum err error = space_donate(core, space, PORT_SLAB_OBJECTS);

        EXPECT(error == ERR_OK || error == ERR_NOMEM);
        core_done(core);
        port_hand_over(core->port);
        space_unlock(core, space->number);
    } else if (pick(hand, 8) == 0) {
        space_lock_all(core);
        core_settle_all(core);
        EXPECT(!core_is_free_elsewhere(core));
        port_hand_over(core->port);
        space_unlock_all(core);
    } else if (other_badge != 0) {
        const struct copy_request request = {
            .to = space,
            .from = space_find(core, number_of(other_badge)),
            .to_address = pick_address(hand),
            .from_address = pick_address(hand),
            .length = pick_length(hand),
        };
        uint64_t copied;

        space_lock_two(core, space->number, request.from->number);
        enum err error = op_copy(core, &request, &copied);

        EXPECT(error == ERR_OK || error == ERR_FAULT || error == ERR_NOMEM);
        core_done(core);
        port_hand_over(core->port);
        space_unlock_two(core, space->number, request.from->number);
    }
    port_hand_over(core->port);
    mutex_give(core, &core->head->processes);
}

static void touch(struct hand *hand, struct space *space)
{
    static const uint32_t accesses[] = {MEM_PROT_READ, MEM_PROT_WRITE};
    const uint32_t page = FIRST_PAGE + (uint32_t)pick(hand, SPAN);
    struct fault_answer answer = {0};

    if (fault_handle(&hand->core, space, page_to_vpn(page), accesses[pick(hand, 2)], &answer) ==
        FAULT_READY) {
        fault_install(&hand->core, space, page, &answer);
    }
}

static enum err map(struct hand *hand, struct space *space)
{
    const bool has_object = pick(hand, 4) == 0;
    const bool is_shared = !has_object && pick(hand, 4) == 0;
    const struct map_request request = {
        .address = pick_address(hand),
        .length = has_object ? PAGE_SIZE * (1 + pick(hand, STAGE_WIRED)) : pick_length(hand),
        .prot = has_object ? MEM_PROT_READ : MEM_PROT_READ | (uint32_t)pick(hand, 2) * 2,
        .flags = (is_shared ? MEM_MAP_SHARED : MEM_MAP_PRIVATE) | MEM_MAP_FIXED |
                 (has_object ? 0 : MEM_MAP_ANONYMOUS) | (pick(hand, 8) == 0 ? MEM_MAP_POPULATE : 0),
        .object = has_object ? object : NULL,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE,
    };
    uaddr_t address;

    return op_map(&hand->core, space, &request, &address);
}

static enum err remap(struct hand *hand, struct space *space)
{
    const struct remap_request request = {
        .address = pick_address(hand),
        .length_old = PAGE_SIZE * (1 + pick(hand, 4)),
        .length_new = PAGE_SIZE * (1 + pick(hand, 8)),
        .flags = MEM_REMAP_MAYMOVE,
    };
    uaddr_t address;

    return op_remap(&hand->core, space, &request, &address);
}

static enum err request(struct hand *hand, struct space *space)
{
    const struct protect_request protect = {
        .address = pick_address(hand),
        .length = pick_length(hand),
        .prot = (uint32_t)pick(hand, 4),
        .is_linux = true,
    };
    const struct advise_request advise = {
        .address = pick_address(hand),
        .length = pick_length(hand),
        .advice = pick(hand, 3) == 0 ? MEM_ADVISE_DONTNEED : MEM_ADVISE_HUGEPAGE,
        .is_linux = true,
    };
    const struct lock_request lock = {.address = pick_address(hand), .length = 2 * PAGE_SIZE};

    switch (pick(hand, 8)) {
    case 0:
    case 1:
        return op_unmap(&hand->core, space, pick_address(hand), pick_length(hand));
    case 2:
        return op_protect(&hand->core, space, &protect);
    case 3:
        return op_advise(&hand->core, space, &advise);
    case 4:
        return remap(hand, space);
    case 5:
        return op_lock(&hand->core, space, &lock);
    default:
        return map(hand, space);
    }
}

/* A fault or request of a client that may be ended at the same time. */
static void act_on_space(struct hand *hand, uint32_t index)
{
    struct core *core = &hand->core;
    const uint64_t badge = atomic_load(&badges[index]);
    struct space *space = badge == 0 ? NULL : space_take(core, number_of(badge), badge);

    if (space == NULL) {
        hand->gone++;
        return;
    }
    for (uint64_t i = pick(hand, 12); i > 0; i--) {
        touch(hand, space);
    }
    /* Any refusal is as good as success here: what they mean is tested elsewhere. */
    hand->done += request(hand, space) == ERR_OK ? 1 : 0;
    core_done(core);
    linger(hand);
    port_hand_over(core->port);
    space_unlock(core, number_of(badge));
}

/* The answer to a fault found nobody: it is carried out, unless another server thread did. */
static void settle_own(struct hand *hand, uint64_t badge, uint64_t serial)
{
    struct core *core = &hand->core;
    struct space *space = space_take(core, number_of(badge), badge);

    hand->late++;
    if (space == NULL) {
        return;
    }
    if (space->answer.worker == core->number && space->answer.serial == serial) {
        stage_carry_out(core, space->kernel, &space->answer);
    } else {
        hand->settled++;
    }
    port_hand_over(core->port);
    space_unlock(core, number_of(badge));
}

/* A fault whose answer is given after the space has been given back, as the shell does it. */
static void act_on_fault(struct hand *hand, uint32_t index)
{
    static const uint32_t accesses[] = {MEM_PROT_READ, MEM_PROT_WRITE};
    struct core *core = &hand->core;
    const uint64_t badge = atomic_load(&badges[index]);
    struct space *space = badge == 0 ? NULL : space_take(core, number_of(badge), badge);
    const vpn_t vpn = page_to_vpn(FIRST_PAGE + (uint32_t)pick(hand, SPAN));
    struct fault_answer ready = {0};

    if (space == NULL) {
        hand->gone++;
        return;
    }
    if (fault_handle(core, space, vpn, accesses[pick(hand, 2)], &ready) != FAULT_READY) {
        atomic_store(&core->worker->giving, 0);
        port_hand_over(core->port);
        space_unlock(core, number_of(badge));
        return;
    }
    hand->serial += WORKERS;
    stage_fault(core, space, vpn, &ready, hand->serial);
    atomic_store(&core->worker->giving, hand->serial);
    const pfn_t kernel = space->kernel;
    const struct space_answer answer = space->answer;

    port_hand_over(core->port);
    space_unlock(core, number_of(badge));
    if (pick(hand, 8) == 0) {
        stage_end_faulted(core);
    }
    linger(hand);
    if (!stage_answer(core, kernel, &answer)) {
        settle_own(hand, badge, hand->serial);
    }
}

static void act(struct hand *hand)
{
    const uint32_t index = (uint32_t)pick(hand, SPACES);

    if (pick(hand, 3) == 0) {
        act_on_fault(hand, index);
        return;
    }
    atomic_store(&hand->core.worker->giving, 0);
    if (pick(hand, 8) == 0) {
        act_on_processes(hand, index);
    } else {
        act_on_space(hand, index);
    }
}

static void stand_still(void)
{
    (void)pthread_barrier_wait(&barrier);
}

static void *work(void *argument)
{
    struct hand *hand = argument;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t turn = 0; turn < TURNS; turn++) {
            act(hand);
        }
        stand_still();
        if (hand->core.number == 0) {
            stage_audit(&hand->core);
        }
        stand_still();
    }
    return NULL;
}

static void run_workers(struct core *core)
{
    int failed = pthread_barrier_init(&barrier, NULL, WORKERS);

    ASSERT(failed == 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        core_attach(core->base, i, core->port, &hands[i].core);
        hands[i].random = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
        hands[i].serial = i + 1;
        failed = pthread_create(&hands[i].thread, NULL, work, &hands[i]);
        ASSERT(failed == 0);
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        failed = pthread_join(hands[i].thread, NULL);
        ASSERT(failed == 0);
    }
    failed = pthread_barrier_destroy(&barrier);
    ASSERT(failed == 0);
}

TAP_TEST(threads_that_serve_many_spaces_at_once_leave_all_of_it_right)
{
    struct core core;
    uint64_t settled = 0;
    uint64_t waits = 0;

    stage_start(&core);
    enum err error = object_make_wired(&core, stage_wired(), (npages_t){STAGE_WIRED}, &object);

    EXPECT_ERR(error, ERR_OK);
    core_settle(&core);
    const uint64_t free = pool_free(&core);

    run_workers(&core);
    for (uint32_t i = 0; i < SPACES; i++) {
        end_space(&hands[0], i);
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        core_settle(&hands[i].core);
        tap_note("thread %u: %llu requests done, %llu came too late, %llu waits", i,
                 (unsigned long long)hands[i].done, (unsigned long long)hands[i].gone,
                 (unsigned long long)hands[i].core.worker->waits);
        tap_note("thread %u: %llu answers came too late, %llu given by another", i,
                 (unsigned long long)hands[i].late, (unsigned long long)hands[i].settled);
        EXPECT(hands[i].done > 0);
        settled += hands[i].settled;
        waits += hands[i].core.worker->waits;
    }
    EXPECT(waits > 0);
    EXPECT(settled > 0);
    EXPECT_U64(core.head->spaces, 0);
    EXPECT_U64(core.head->commit.used, 0);
    EXPECT_U64(core.head->threads.records, 0);
    EXPECT_U64(core.head->regions.records, 0);
    EXPECT_U64(object->references, 1);
    /* The two pages of thread numbers, made with the first thread, stay. */
    EXPECT_U64(pool_free(&core) + 2, free);
    stage_audit(&core);
    stage_stop(&core);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(threads_that_serve_many_spaces_at_once_leave_all_of_it_right),
    };

    return TAP_RUN(argc, argv, tests);
}
