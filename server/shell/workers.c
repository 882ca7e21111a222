/* SPDX-License-Identifier: MIT */
#include "server/shell/workers.h"

#include <abi/layout.h>
#include <abi/map.h>
#include <base/assert.h>
#include <base/bits.h>

#include "server/shell/call.h"
#include "server/shell/ecall.h"
#include "server/shell/main.h"

/* As the linker script has it for the first. */
#define STACK_PAGES 8u

static struct port_peer peers[ARENA_WORKERS]; /* constant after boot */

uint32_t workers_count(const struct boot_info *info)
{
    return (uint32_t)(info->harts < ARENA_WORKERS ? info->harts : ARENA_WORKERS);
}

/* The thread number of a server thread, and the window page behind it. */
static uint32_t number_of(uint32_t index)
{
    return index == 0 ? BOOT_SERVER_THREAD : BOOT_INIT_THREAD + 1 + 2 * (index - 1);
}

uint32_t workers_numbers(const struct boot_info *info)
{
    return number_of(workers_count(info));
}

/* The page left out below a stack. */
static uint64_t stack_start(const struct boot_info *info, uint32_t index)
{
    return (info->server_heap_va >> PAGE_SHIFT) + (index - 1) * (STACK_PAGES + 1);
}

static void *message_of(uint32_t index)
{
    return (void *)(uintptr_t)(WINDOW_START + number_of(index) * PAGE_SIZE);
}

static void must(enum err error)
{
    ASSERT(error == ERR_OK);
}

void workers_begin(const struct boot_info *info, void *message, struct shell *first)
{
    port_init(&first->port, message, pfn_from_number(info->server_space_pfn), peers);
}

/* Map the stack of a server thread. */
static enum err make_stack(const struct boot_info *info, struct shell *shell, uint32_t index)
{
    const uint64_t start = stack_start(info, index);

    /* The table that covers the image covers this too. */
    if ((start + STACK_PAGES) / PAGES_PER_MEGA !=
        (info->server_heap_va - 1) / PAGE_SIZE / PAGES_PER_MEGA) {
        return ERR_RANGE;
    }
    for (uint32_t i = 1; i <= STACK_PAGES; i++) {
        const uint32_t frame = pool_take_for_shell(&shell->core, FRAME_ARENA);

        if (frame == 0) {
            return ERR_NOMEM;
        }
        port_server_page(&shell->port, start + i, pool_pfn(&shell->core, frame));
    }
    port_flush(&shell->port);
    return ERR_OK;
}

/* Have the kernel make the thread, not started. */
static enum err make_thread(const struct boot_info *info, struct shell *shell, uint32_t index)
{
    const uint32_t object = pool_take_for_shell(&shell->core, FRAME_OBJECT);
    const uint32_t message = pool_take_for_shell(&shell->core, FRAME_MESSAGE);

    if (object == 0 || message == 0) {
        return ERR_NOMEM;
    }
    port_flush(&shell->port);
    const uint64_t pfn = pfn_to_number(pool_pfn(&shell->core, object));
    must(ecall_six(SYS_THREAD_MAKE, HANDLE_AUTHORITY, info->server_space_pfn, pfn,
                   pfn_to_number(pool_pfn(&shell->core, message)), number_of(index),
                   number_of(index) + 1, PRIORITY_SERVER)
             .error);
    peers[index].thread = call_object_handle(pfn, RIGHT_CONTROL);
    return ERR_OK;
}

static uint64_t make_turn(void)
{
    const struct result result =
        ecall_three(SYS_OBJECT_MAKE, HANDLE_NONE, OBJECT_NOTIFICATION, 0, 0);

    must(result.error);
    return result.words[0];
}

enum err workers_make(const struct boot_info *info, struct shell *shells)
{
    struct shell *first = &shells[0];

    if (first->head->workers == 1) {
        return ERR_OK;
    }
    peers[0].thread = call_object_handle(info->server_thread_pfn, RIGHT_CONTROL);
    peers[0].turn = make_turn();
    for (uint32_t i = 1; i < first->head->workers; i++) {
        enum err error = make_stack(info, first, i);
        if (error == ERR_OK) {
            error = make_thread(info, first, i);
        }
        if (error != ERR_OK) {
            return error;
        }
        peers[i].turn = make_turn();
        shells[i].head = first->head;
        port_init(&shells[i].port, message_of(i), pfn_from_number(info->server_space_pfn), peers);
        core_attach(first->core.base, i, &shells[i].port, &shells[i].core);
        shells[i].stack = (stack_start(info, i) + 1 + STACK_PAGES) << PAGE_SHIFT;
    }
    return ERR_OK;
}

void workers_start(const struct shell *shells)
{
    if (shells[0].head->workers == 1) {
        return;
    }
    for (uint32_t i = 0; i < shells[0].head->workers; i++) {
        must(ecall_three(SYS_THREAD_HART, peers[i].thread, i, 0, 0).error);
        if (i != 0) {
            must(ecall_six(SYS_THREAD_START, peers[i].thread, (uint64_t)(uintptr_t)main_serve,
                           shells[i].stack, (uint64_t)(uintptr_t)message_of(i), ecall_small_data(),
                           (uint64_t)(uintptr_t)&shells[i], 0)
                     .error);
        }
    }
}
