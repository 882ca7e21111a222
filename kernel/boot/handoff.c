/* SPDX-License-Identifier: MIT */
/*
 * Frames come from boot->free, which is kept in step with the frame table: what is taken there
 * gets its kind here. Nothing can be refused for a reason that the user could mend but too little
 * RAM or a bad archive.
 */
#include "boot/boot.h"

#include "boot/archive.h"
#include "boot/build.h"
#include "boot/checksum.h"
#include "debug/panic.h"
#include "debug/trace.h"
#include "ipc/end.h"
#include "ipc/ipc.h"
#include "ipc/notify.h"
#include "mm/entry.h"
#include "mm/page.h"
#include "riscv/csr.h"
#include "riscv/direct.h"
#include "riscv/image.h"
#include "riscv/trap.h"
#include "syscall/syscall.h"
#include "task/harts.h"
#include "task/sched.h"
#include "task/slab.h"
#include "task/space.h"
#include <abi/boot.h>
#include <abi/layout.h>
#include <riscv/lock.h>
#include <sbi/ecall.h>

/* One thread number for so many frames of RAM, but a few always. */
#define FRAMES_PER_THREAD  64u
#define THREAD_NUMBERS_MIN 512u
/* Slices of a second. */
#define SLICES_PER_SECOND 100u
/* Time that a hart sleeps at once which waits for another: an interrupt ends most waits. */
#define PAUSES_PER_SECOND 50000u
/* What init may give its threads: all below the server. */
#define INIT_PRIORITY_MAX (PRIORITY_SERVER - 1)
/* OpenSBI from this version on was not seen to keep harts awake. */
#define OPENSBI_RESTS UINT64_C(0x10006)

STATIC_ASSERT(sizeof(struct boot_info) <= MESSAGE_DATA_BYTES, "fits the server's message page");
STATIC_ASSERT(RANGES_MAX <= BOOT_RANGES_MAX, "every free range can be told");

uint64_t handoff_archive_pages(const struct machine *machine)
{
    const uint64_t start = machine->archive_start;
    const uint64_t end = machine->archive_end;
    return start >= end ? 0 : (end - start + PAGE_MASK) >> PAGE_SHIFT;
}

/* Fill in what does not change; every hart but the first waits for the kernel lock. */
static void fill_hart(const struct boot *boot, uint64_t index, struct thread **threads,
                      uint64_t numbers)
{
    harts[index] = (struct hart){
        .stack_top = image_stack_top(index),
        .threads = threads,
        .thread_max = numbers,
        .frame_bias = frame_bias(),
        .token = index,
        .kernel_lock = &kernel_lock,
        .frame_words = frame_table.words,
        .frame_start = frame_table.start,
        .frame_count = frame_table.count,
        .leaf_flags = entry_leaf_flags,
        .idle_satp = tlb_satp(direct_to_pfn(aspace_kernel_root())),
        .pause = boot->machine.timebase_hz / PAUSES_PER_SECOND + 1,
        .index = index,
        .id = boot->hart_id,
    };
    sched_init(&harts[index], boot->machine.timebase_hz / SLICES_PER_SECOND);
}

/* Enter the first hart: from here on hart_self() is good. */
static void start_hart(struct boot *boot)
{
    const uint64_t wished = ranges_bytes(&boot->ram) / PAGE_SIZE / FRAMES_PER_THREAD;
    const uint64_t numbers = wished < THREAD_NUMBERS_MIN ? THREAD_NUMBERS_MIN
                             : wished > WINDOW_PAGES     ? WINDOW_PAGES
                                                         : wished;
    struct thread **threads =
        build_take_kernel(boot, (numbers * sizeof(*threads) + PAGE_MASK) >> PAGE_SHIFT);

    harts_count = boot->hart_count;
    for (uint64_t i = 0; i < harts_count; i++) {
        fill_hart(boot, i, threads, numbers);
    }
    hart_enter(&harts[0]);
    csr_write_stvec((uint64_t)(uintptr_t)&trap_entry);
    sched_start(&harts[0]);
    harts_enter();
    harts[0].is_online = true;
    trace_is_on = boot->options.is_traced;
}

/*
 * Harts without an MMU wait in the firmware for good. Under OpenSBI 1.1 (not 1.6) they do so with a
 * software interrupt pending, for which they wake at once, again and again: in QEMU each takes one
 * of the host's processors. Told to start such a hart, it clears the interrupt, then sees that the
 * hart has no S-mode, and lets it sleep. One that comes here all the same is stopped (entry.S).
 */
static void rest_others(const struct machine *machine)
{
    if (sbi_implementation() != SBI_OPENSBI || sbi_implementation_version() >= OPENSBI_RESTS) {
        return;
    }
    for (uint64_t i = 0; i < machine->other_count; i++) {
        (void)sbi_hart_start(machine->other_ids[i], image_text_start() - DIRECT_BASE, 0);
    }
}

/* Ask the firmware for the others; each waits until this hart leaves the kernel. */
static void start_others(const struct boot *boot)
{
    uint64_t index = 1;

    for (uint64_t i = 1; i < boot->machine.hart_count && index < harts_count; i++) {
        const uint64_t id = boot->machine.hart_ids[i];
        harts[index].id = id;
        if (sbi_hart_start(id, (uint64_t)(uintptr_t)&entry_hart - DIRECT_BASE,
                           (uint64_t)(uintptr_t)&harts[index])) {
            index++;
        } else {
            harts[index].id = boot->hart_id; /* so that it cannot join (entry.S, entry_astray) */
        }
    }
    harts_count = index;
    harts[0].is_alone = index == 1;
    rest_others(&boot->machine);
}

/*
 * The archive as bytes; its frames are WIRED from now on, and nothing else is in the last of them.
 */
static struct archive_file wire_archive(const struct boot *boot)
{
    const struct machine *machine = &boot->machine;
    const uint64_t pages = handoff_archive_pages(machine);
    const uint64_t length = machine->archive_end - machine->archive_start;
    const paddr_t start = {machine->archive_start};
    const pfn_t first = paddr_to_pfn(start);
    if (pages == 0) {
        panic("no boot archive (initrd)");
    }
    if ((machine->archive_start & PAGE_MASK) != 0 || !frame_is_ram(first) ||
        !frame_is_ram(pfn_add(first, (npages_t){pages - 1}))) {
        panic("the boot archive (initrd) does not start on a page, or is not in RAM");
    }
    uint8_t *bytes = direct_from_paddr(start);
    page_clear(bytes + length, (pages << PAGE_SHIFT) - length);
    if (boot->options.has_archive_sum &&
        checksum_of(bytes, pages << PAGE_SHIFT) != boot->options.archive_sum) {
        panic("the boot archive is damaged: write the boot medium again");
    }
    frame_fill(first, (npages_t){pages}, FRAME_WIRED);
    return (struct archive_file){.bytes = bytes, .length = length};
}

static struct archive_file find_file(const struct archive_file *archive, const char *name,
                                     const char *missing)
{
    struct archive_file file;
    if (!archive_find(archive->bytes, archive->length, name, &file)) {
        panic(missing);
    }
    return file;
}

/* Handles to what has no memory, for the memory server and for init. */
static void give_machine(struct space *space) REQUIRES(handle_lock)
{
    handle_put(space, HANDLE_LOG, handle_make(NULL, OBJECT_LOG, RIGHT_ALL, 0));
    handle_put(space, HANDLE_MACHINE, handle_make(NULL, OBJECT_MACHINE, RIGHT_ALL, 0));
}

/* The memory server's endpoint and its notification, which tells it of deaths. */
static struct object *make_server_objects(struct build *server) REQUIRES(task_lock)
    REQUIRES(handle_lock)
{
    struct object *endpoint;
    struct object *events;
    if (slab_take(server->space, OBJECT_ENDPOINT, &endpoint) != ERR_OK ||
        slab_take(server->space, OBJECT_NOTIFICATION, &events) != ERR_OK) {
        UNREACHABLE();
    }
    endpoint_init((struct endpoint *)(void *)endpoint);
    /* Its own faults go nowhere: an address that can be looked at, with the id of no object. */
    server->space->pager = (struct handle_slot){.object = endpoint, .id = 0};
    struct notification *notification = (struct notification *)(void *)events;
    if (notify_bind(notification, server->thread) != ERR_OK) {
        UNREACHABLE();
    }
    end_set_events(notification);

    handle_put(server->space, HANDLE_MEM, handle_make(endpoint, OBJECT_ENDPOINT, RIGHT_ALL, 0));
    handle_put(server->space, HANDLE_EVENTS,
               handle_make(events, OBJECT_NOTIFICATION, RIGHT_ALL, 0));
    handle_put(server->space, HANDLE_AUTHORITY, handle_make(NULL, OBJECT_AUTHORITY, RIGHT_ALL, 0));
    give_machine(server->space);
    return endpoint;
}

/* What init starts with, and where its faults go. */
static void give_init(struct build *init, struct object *endpoint) REQUIRES(handle_lock)
{
    const struct handle_slot call =
        handle_make(endpoint, OBJECT_ENDPOINT, RIGHT_CALL, BOOT_INIT_BADGE);
    init->space->pager = call;
    handle_put(init->space, HANDLE_MEM, call);
    give_machine(init->space);
}

static void tell_server(const struct boot *boot, const struct build *server,
                        const struct build *init, const struct archive_file *archive)
{
    struct boot_info *info = server->thread->message;
    *info = (struct boot_info){
        .version = BOOT_INFO_VERSION,
        .bytes = sizeof(*info),
        .frames_start = frame_table.start,
        .frames_end = frame_table.start + frame_table.count,
        .thread_numbers = harts[0].thread_max,
        .timebase_hz = boot->machine.timebase_hz,
        .harts = harts_count,
        .seed = boot->machine.seed,
        .server_space_pfn = pfn_to_number(direct_to_pfn(server->space)),
        .server_thread_pfn = pfn_to_number(direct_to_pfn(server->thread)),
        .init_space_pfn = pfn_to_number(direct_to_pfn(init->space)),
        .init_thread_pfn = pfn_to_number(direct_to_pfn(init->thread)),
        .server_heap_va = server->image_end,
        .archive = {pfn_to_number(direct_to_pfn(archive->bytes)),
                    handoff_archive_pages(&boot->machine)},
        .archive_bytes = archive->length,
        .init_tables = init->tables,
        .server_tables = server->tables,
        .free_count = (uint32_t)boot->free.count,
        .init_segment_count = init->segment_count,
        .device_count = boot->machine.device_count,
    };
    for (uint64_t i = 0; i < boot->free.count; i++) {
        const struct range *range = &boot->free.items[i];
        info->free[i] = (struct boot_range){
            .pfn = range->start >> PAGE_SHIFT,
            .pages = (range->end - range->start) >> PAGE_SHIFT,
        };
    }
    for (uint32_t i = 0; i < init->segment_count; i++) {
        info->init_segments[i] = init->segments[i];
    }
    for (uint32_t i = 0; i < boot->machine.device_count; i++) {
        info->devices[i] = boot->machine.devices[i];
    }
}

static void tell_init(const struct boot *boot, const struct build *init)
{
    struct init_info *info = init->thread->message;
    *info = (struct init_info){
        .version = BOOT_INFO_VERSION,
        .bytes = sizeof(*info),
        .timebase_hz = boot->machine.timebase_hz,
        .seed = boot->machine.seed,
    };
}

/* This code is in pages that nobody needs any more once it has returned for good. */
static void free_boot_code(struct boot *boot)
{
    const uint64_t start = image_text_end() - DIRECT_BASE;
    const uint64_t bytes = image_boot_end() - image_text_end();
    frame_fill(paddr_to_pfn((paddr_t){start}), (npages_t){bytes >> PAGE_SHIFT}, FRAME_FREE);
    ranges_add(&boot->free, start, bytes);
}

void handoff(struct boot *boot)
{
    struct build server = {.is_server = true, .number = BOOT_SERVER_THREAD};
    struct build init = {.badge = BOOT_INIT_BADGE, .number = BOOT_INIT_THREAD};

    start_hart(boot);
    start_others(boot);
    misc_machine = (struct misc_machine){
        .timebase_hz = boot->machine.timebase_hz,
        .frames = ranges_bytes(&boot->used) / PAGE_SIZE,
        .frames_kernel =
            boot->frames_kernel - ((image_boot_end() - image_text_end()) >> PAGE_SHIFT),
    };
    const struct archive_file archive = wire_archive(boot);
    const struct archive_file server_file =
        find_file(&archive, "boot/server", "no boot/server in the boot archive");
    const struct archive_file init_file =
        find_file(&archive, "boot/init", "no boot/init in the boot archive");

    lock_take(&task_lock);
    lock_take(&handle_lock);
    lock_take(&memory_lock);
    build_space(boot, &server_file, PRIORITY_SERVER, &server);
    build_space(boot, &init_file, INIT_PRIORITY_MAX, &init);
    build_thread(boot, &server, &server, PRIORITY_SERVER);
    build_thread(boot, &init, &server, PRIORITY_DEFAULT);
    build_slab(boot, &server);
    lock_release(&memory_lock);
    give_init(&init, make_server_objects(&server));
    lock_release(&handle_lock);
    free_boot_code(boot);
    tell_server(boot, &server, &init, &archive);
    tell_init(boot, &init);
    sched_wake(server.thread);
    sched_wake(init.thread);
    lock_release(&task_lock);
    harts_retire_boot();
}
