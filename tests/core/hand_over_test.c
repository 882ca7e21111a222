/* SPDX-License-Identifier: MIT */
/*
 * Two server threads, of which one has gathered what it has unmapped, and not handed it over yet.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>

#include <base/assert.h>
#include <mem/prot.h>
#include <tap.h>

#include "server/core/core.h"
#include "server/core/port.h"
#include "threads_stage.h"

#define FIRST_PAGE UINT32_C(0x7fe00)
#define PAGES      16u /* behind them there is one that keeps their tables */

static struct core cores[2];
static struct space *spaces[3];

static struct space *make_space(void)
{
    const struct space_settings settings = {
        .lowest = {0x10000},
        .base = {UINT64_C(0x3ff0000000)},
        .regions_max = 40,
        .pages_max = MEM_UNLIMITED,
        .data_max = MEM_UNLIMITED,
        .stack_max = MEM_UNLIMITED,
        .priority = 10,
    };
    struct space *space = NULL;

    EXPECT_ERR(space_make(&cores[0], &settings, &space), ERR_OK);
    return space;
}

static void map_pages(struct core *core, struct space *space)
{
    const struct map_request request = {
        .address = vpn_to_uaddr(page_to_vpn(FIRST_PAGE)),
        .length = (PAGES + 1) * PAGE_SIZE,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uaddr_t address;

    EXPECT_ERR(op_map(core, space, &request, &address), ERR_OK);
}

static void write_pages(struct core *core, struct space *space)
{
    for (uint32_t page = FIRST_PAGE; page <= FIRST_PAGE + PAGES; page++) {
        struct fault_answer answer = {0};

        EXPECT_U64(fault_handle(core, space, page_to_vpn(page), MEM_PROT_WRITE, &answer),
                   FAULT_READY);
        fault_install(core, space, page, &answer);
    }
}

static void unmap_pages(struct core *core, struct space *space)
{
    EXPECT_ERR(op_unmap(core, space, vpn_to_uaddr(page_to_vpn(FIRST_PAGE)), PAGES * PAGE_SIZE),
               ERR_OK);
}

/* The last who has the pages lets them go, and they serve a third space. */
static void *reuse(void *argument)
{
    struct core *core = argument;

    unmap_pages(core, spaces[1]);
    core_done(core);
    write_pages(core, spaces[2]);
    port_hand_over(core->port);
    return NULL;
}

TAP_TEST(what_one_has_unmapped_is_gone_before_another_frees_it)
{
    const struct clone_request request = {.priority = 10};
    struct core core;
    pthread_t thread;

    stage_start(&core);
    for (uint32_t i = 0; i < 2; i++) {
        core_attach(core.base, i, core.port, &cores[i]);
    }
    spaces[0] = make_space();
    map_pages(&cores[0], spaces[0]);
    write_pages(&cores[0], spaces[0]);
    REQUIRE(op_clone(&cores[0], spaces[0], &request, &spaces[1]) == ERR_OK);
    spaces[2] = make_space();
    map_pages(&cores[0], spaces[2]);
    core_settle(&cores[0]);
    /* The model of the kernel refuses to have a frame serve again that is still mapped. */
    unmap_pages(&cores[0], spaces[0]);
    int failed = pthread_create(&thread, NULL, reuse, &cores[1]);
    ASSERT(failed == 0);
    failed = pthread_join(thread, NULL);
    ASSERT(failed == 0);
    port_hand_over(core.port);
    for (uint32_t i = 0; i < 3; i++) {
        space_end(&cores[0], spaces[i]);
    }
    core_settle(&cores[0]);
    core_settle(&cores[1]);
    EXPECT_U64(core.head->spaces, 0);
    stage_audit(&core);
    stage_stop(&core);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(what_one_has_unmapped_is_gone_before_another_frees_it),
    };

    return TAP_RUN(argc, argv, tests);
}
