/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MAP_NORESERVE, MAP_ANONYMOUS */
#include "threads_stage.h"

#include <string.h>
#include <sys/mman.h>

#include <base/assert.h>

#include "threads_turns.h"

#define STAGE_BASE UINT64_C(0x80000)

/* All the port knows. */
struct port {
    unsigned char *arena;
};

static struct port the_port;
static _Atomic uint64_t waiting[ARENA_WORKERS]; /* tokens of faults without an answer; 0: none */

void stage_start(struct core *core)
{
    const struct core_range range = {{STAGE_BASE}, {STAGE_FRAMES}};

    the_port.arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT(the_port.arena != MAP_FAILED);
    const struct core_boot boot = {
        .arena = the_port.arena,
        .port = &the_port,
        .lowest = {STAGE_BASE},
        .end = {STAGE_BASE + STAGE_FRAMES + STAGE_WIRED},
        .ranges = &range,
        .range_count = 1,
        .commit_mode = COMMIT_NEVER,
    };
    enum err error = core_init(&boot, core);

    ASSERT(error == ERR_OK);
    turns_start();
}

void stage_stop(struct core *core)
{
    int failed = munmap(core->base, ARENA_BYTES);

    ASSERT(failed == 0);
    turns_stop();
}

pfn_t stage_wired(void)
{
    return (pfn_t){STAGE_BASE + STAGE_FRAMES};
}

void stage_audit(const struct core *core)
{
    core_audit(core);
}

void port_wait(struct port *port, uint32_t number, uint32_t urgent)
{
    (void)port;
    ASSERT((urgent >> number & 1) != 0);
    turns_wait(number);
}

void port_wake(struct port *port, uint32_t number)
{
    (void)port;
    turns_wake(number);
}

void port_arena_back(struct port *port, uint32_t arena_page, pfn_t frame)
{
    (void)frame;
    memset(port->arena + (uint64_t)arena_page * PAGE_SIZE, 0, PAGE_SIZE);
}

void port_arena_unback(struct port *port, uint32_t arena_page, pfn_t frame)
{
    (void)frame;
    /* Whoever looks at it now is found out. */
    memset(port->arena + (uint64_t)arena_page * PAGE_SIZE, 0xa5, PAGE_SIZE);
}

void port_space_make(struct port *port, pfn_t object, pfn_t root, pfn_t slots, uint64_t badge,
                     uint32_t priority)
{
    (void)port, (void)object, (void)root, (void)slots, (void)badge, (void)priority;
}

void port_space_end(struct port *port, pfn_t object)
{
    (void)port, (void)object;
}

void port_thread_make(struct port *port, pfn_t space, pfn_t object, pfn_t message, uint32_t number,
                      uint32_t window_page, uint32_t priority)
{
    (void)port, (void)space, (void)object, (void)message, (void)number, (void)window_page;
    (void)priority;
}

enum err port_slab_donate(struct port *port, pfn_t space, pfn_t frame, enum port_slab what)
{
    (void)port, (void)space, (void)frame, (void)what;
    return ERR_OK;
}

void port_frame_release(struct port *port, pfn_t frame)
{
    (void)port, (void)frame;
}

void port_table_add(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t table)
{
    (void)port, (void)space, (void)level, (void)vpn, (void)table;
}

void port_table_remove(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t table)
{
    (void)port, (void)space, (void)level, (void)vpn, (void)table;
}

void port_window_table_add(struct port *port, pfn_t space, uint32_t level, uint32_t window_page,
                           pfn_t table)
{
    (void)port, (void)space, (void)level, (void)window_page, (void)table;
}

void port_window_table_remove(struct port *port, pfn_t space, uint32_t level, uint32_t window_page,
                              pfn_t table)
{
    (void)port, (void)space, (void)level, (void)window_page, (void)table;
}

void port_install(struct port *port, pfn_t space, vpn_t vpn, npages_t pages, pfn_t frame,
                  uint32_t prot, enum port_how how, pfn_t source)
{
    (void)port, (void)space, (void)vpn, (void)pages, (void)frame, (void)prot, (void)how;
    (void)source;
}

void port_install_large(struct port *port, pfn_t space, uint32_t level, vpn_t vpn, pfn_t frame,
                        uint32_t prot, enum port_how how)
{
    (void)port, (void)space, (void)level, (void)vpn, (void)frame, (void)prot, (void)how;
}

void port_remove(struct port *port, pfn_t space, vpn_t vpn, npages_t pages)
{
    (void)port, (void)space, (void)vpn, (void)pages;
}

void port_restrict(struct port *port, pfn_t space, vpn_t vpn, npages_t pages, uint32_t prot)
{
    (void)port, (void)space, (void)vpn, (void)pages, (void)prot;
}

void port_copy(struct port *port, pfn_t to, uint32_t to_offset, pfn_t from, uint32_t from_offset,
               uint32_t length)
{
    (void)port, (void)to, (void)to_offset, (void)from, (void)from_offset, (void)length;
}

void port_zero(struct port *port, pfn_t frame)
{
    (void)port, (void)frame;
}

void port_hand_over(struct port *port)
{
    (void)port;
}

void port_arena_table_add(struct port *port, uint32_t level, uint32_t arena_page, pfn_t table)
{
    (void)port, (void)level, (void)arena_page, (void)table;
}

void port_arena_table_remove(struct port *port, uint32_t level, uint32_t arena_page, pfn_t table)
{
    (void)port, (void)level, (void)arena_page, (void)table;
}

/* As the kernel: a token is good once. */
static bool answer_once(const struct space_answer *answer)
{
    uint64_t serial = answer->serial;

    return atomic_compare_exchange_strong(&waiting[answer->worker], &serial, 0);
}

void port_settle(struct port *port, pfn_t space, const struct space_answer *answer)
{
    (void)port, (void)space;
    (void)answer_once(answer);
}

void stage_fault(struct core *core, struct space *space, vpn_t vpn,
                 const struct fault_answer *ready, uint64_t serial)
{
    (void)ready;
    space->answer.serial = serial;
    space->answer.where = vpn.v;
    atomic_store(&waiting[core->number], serial);
}

void stage_end_faulted(const struct core *core)
{
    atomic_store(&waiting[core->number], 0);
}

bool stage_answer(struct core *core, pfn_t space, const struct space_answer *answer)
{
    (void)core, (void)space;
    return answer_once(answer);
}

void stage_carry_out(struct core *core, pfn_t space, const struct space_answer *answer)
{
    (void)core, (void)space, (void)answer;
}

void port_server_table_add(struct port *port, uint32_t number, pfn_t table)
{
    (void)port, (void)number, (void)table;
}

void port_server_table_remove(struct port *port, uint32_t number, pfn_t table)
{
    (void)port, (void)number, (void)table;
}
