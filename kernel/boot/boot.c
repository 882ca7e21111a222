/* SPDX-License-Identifier: MIT */
#include "boot/boot.h"

#include "boot/checksum.h"
#include "boot/paging.h"
#include "boot/text.h"
#include "debug/console.h"
#include "debug/panic.h"
#include "debug/power.h"
#include "irq/plic.h"
#include "mm/device.h"
#include "mm/frame.h"
#include "riscv/csr.h"
#include "riscv/direct.h"
#include "riscv/hart.h"
#include "riscv/image.h"
#include "riscv/timer.h"
#include <sbi/board.h>
#include <sbi/ecall.h>

#define MEGA (UINT64_C(1) << 20)
/* Firmware and its guards: the 2 MiB below the kernel are nobody else's (U54: PMP is coarse). */
#define FIRMWARE_BYTES (2 * MEGA)
/* Holes in RAM have words in the frame table too. Beyond this part of RAM they are not worth it. */
#define TABLE_SHARE 16u

static struct boot boot;

void boot_trap(uint64_t cause, uint64_t pc, uint64_t value)
{
    const struct panic_registers registers = {.pc = pc, .cause = cause, .value = value};
    panic_trap("kernel at boot", &registers);
}

/* Take the device tree in. */
static void read_tree(paddr_t tree)
{
    uint64_t readable;
    const void *base = paging_open_tree(tree, &readable);
    const enum dtb_error error =
        base == NULL ? DTB_BAD_ADDRESS : machine_read(base, readable, boot.hart_id, &boot.machine);
    /* Even of a tree that is no good: whoever started the machine waits for his nonce. */
    boot.options = options_read(boot.machine.bootargs);
    power_set_nonce(boot.options.nonce);
    if (error != DTB_OK) {
        panic(dtb_error_text(error));
    }
    const uint64_t harts =
        boot.machine.hart_count < HARTS_MAX ? boot.machine.hart_count : HARTS_MAX;
    boot.hart_count = harts < boot.options.harts ? harts : boot.options.harts;
    if (boot.hart_count == 0) {
        boot.hart_count = 1;
    }
}

/*
 * A damaged image is named here, as long as this code and what it needs is not damaged too. Its
 * data is summed with the rest: nothing that has a value in the image is written before.
 */
static void check_image(void)
{
    const uint64_t start = image_text_start();
    if (boot.options.has_kernel_sum &&
        checksum_of((const void *)(uintptr_t)start, image_sum_end() - start) !=
            boot.options.kernel_sum) {
        panic("the kernel's image is damaged: write the boot medium again");
    }
}

static volatile uint32_t *registers_at(uint64_t pa)
{
    return direct_from_paddr((paddr_t){pa});
}

/* Let time pass, by the timer: it does not depend on the core's clock. */
static void wait_us(uint32_t us)
{
    const uint64_t ticks = us * boot.machine.timebase_hz / 1000000 + 1;
    const uint64_t start = timer_now();

    while (timer_now() - start <= ticks) {
    }
}

/* Do for the board what the firmware left to do. */
static void start_board(void)
{
    if (boot.machine.board_opt == NULL) {
        return;
    }
    paging_open_registers();
    boot.board = board_start(boot.machine.board_opt, (struct board_registers){
                                                         .clock = registers_at(BOARD_CLOCK_PA),
                                                         .uart = registers_at(BOARD_UART_PA),
                                                         .cache = registers_at(BOARD_CACHE_PA),
                                                         .wait_us = wait_us,
                                                     });
}

/* See what RAM the kernel may use, and what of it is free. */
static void find_ram(void)
{
    const struct machine *machine = &boot.machine;
    const uint64_t image = image_text_start() - DIRECT_BASE;
    const uint64_t image_bytes = image_end() - image_text_start();
    const uint64_t archive = machine->archive_start & ~(uint64_t)PAGE_MASK;
    const uint64_t archive_bytes = handoff_archive_pages(machine) << PAGE_SHIFT;

    /* What is left out stays RAM in machine->memory: no device is looked for there. */
    boot.used = machine->memory;
    ranges_keep_lowest(&boot.used, boot.options.mem_bytes);
    if (ranges_have(&machine->memory, archive, archive + archive_bytes)) {
        ranges_add(&boot.used, archive, archive_bytes);
    }
    boot.ram = boot.used;
    ranges_remove(&boot.ram, DIRECT_BYTES, RANGES_END);
    ranges_remove(&boot.ram, image - FIRMWARE_BYTES, FIRMWARE_BYTES);
    for (uint64_t i = 0; i < machine->reserved.count; i++) {
        const struct range *range = &machine->reserved.items[i];
        ranges_remove(&boot.ram, range->start, range->end - range->start);
    }
    /* U-Boot reserves the archive for its user, which this is. */
    if (ranges_have(&machine->memory, archive, archive + archive_bytes)) {
        ranges_add(&boot.ram, archive, archive_bytes);
    }
    ranges_trim(&boot.ram, PAGE_SIZE);
    if (!ranges_have(&boot.ram, image, image + image_bytes)) {
        panic("too little RAM for the kernel");
    }
    boot.free = boot.ram;
    ranges_remove(&boot.free, image, image_bytes);
    ranges_add(&boot.free, image_guard(boot.hart_count) - DIRECT_BASE,
               image_guard(IMAGE_STACKS) - image_guard(boot.hart_count));
    ranges_remove(&boot.free, archive, archive_bytes);
}

/*
 * Drop the highest RAM until the frame table for what lies between lowest and highest is in
 * proportion.
 */
static void drop_far_ram(void)
{
    for (;;) {
        const struct range *last = &boot.ram.items[boot.ram.count - 1];
        const uint64_t frames = (last->end - boot.ram.items[0].start) >> PAGE_SHIFT;
        if (frames * sizeof(uint64_t) <= ranges_bytes(&boot.ram) / TABLE_SHARE) {
            return;
        }
        const struct range gone = *last;
        if (boot.machine.archive_start >= gone.start && boot.machine.archive_start < gone.end) {
            panic("too little RAM for the frame table up to the boot archive");
        }
        ranges_remove(&boot.ram, gone.start, gone.end - gone.start);
        ranges_remove(&boot.free, gone.start, gone.end - gone.start);
    }
}

/* Give every frame its first word. */
static void fill_frames(void)
{
    uint64_t at = boot.ram.items[0].start;
    const uint64_t end = boot.ram.items[boot.ram.count - 1].end;
    for (uint64_t i = 0; i <= boot.free.count; i++) {
        /* What is not free, up to the next range that is, or to the end. */
        const bool is_last = i == boot.free.count;
        const struct range *range = &boot.free.items[i];
        const uint64_t next = is_last ? end : range->start;
        frame_fill(paddr_to_pfn((paddr_t){at}), (npages_t){(next - at) >> PAGE_SHIFT},
                   FRAME_KERNEL);
        if (is_last) {
            break;
        }
        frame_fill(paddr_to_pfn((paddr_t){range->start}),
                   (npages_t){(range->end - range->start) >> PAGE_SHIFT}, FRAME_FREE);
        at = range->end;
    }
}

/* Carve what must lie in RAM before anything can be counted, and start counting. */
static void start_memory(void)
{
    const uint64_t start = boot.ram.items[0].start;
    const uint64_t end = boot.ram.items[boot.ram.count - 1].end;
    const uint64_t frames = (end - start) >> PAGE_SHIFT;
    uint64_t bytes = (frames * sizeof(uint64_t) + PAGE_MASK) & ~(uint64_t)PAGE_MASK;
    uint64_t table;

    paging_open_ram(&boot.ram);
    if (!ranges_take(&boot.free, bytes, PAGE_SIZE, &table) ||
        !paging_finish(&boot.ram, boot.hart_count, &boot.free)) {
        panic("too little RAM for the frame table");
    }
    frame_init(direct_from_paddr((paddr_t){table}), paddr_to_pfn((paddr_t){start}),
               (npages_t){frames});
}

/* Registers of the interrupt controller that are needed: up to those of the context used. */
static uint64_t interrupts_end(const struct interrupts *interrupts)
{
    return interrupts->start + PLIC_BYTES(interrupts->context);
}

/* Map the interrupt controller, if there is one that can be reached. */
static void start_interrupts(void)
{
    struct interrupts *interrupts = &boot.machine.interrupts;
    const uint64_t end = interrupts_end(interrupts);

    if (interrupts->lines == 0 || (interrupts->start & PAGE_MASK) != 0 ||
        end > interrupts->start + interrupts->bytes || end > DIRECT_BYTES ||
        ranges_meet(&boot.machine.memory, interrupts->start, end)) {
        interrupts->lines = 0;
        return;
    }
    if (!paging_map_device(interrupts->start, end, &boot.free)) {
        panic("too little RAM for the direct map");
    }
    plic_init((paddr_t){interrupts->start}, interrupts->lines, interrupts->context);
}

/* Keep those devices whose pages are neither RAM nor the kernel's, and let them be mapped. */
static void keep_devices(void)
{
    struct machine *machine = &boot.machine;
    const struct interrupts *interrupts = &machine->interrupts;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < machine->device_count; i++) {
        const struct boot_device device = machine->devices[i];
        const uint64_t first = device.start & ~(uint64_t)PAGE_MASK;
        if (device.bytes == 0 || device.start >= RANGES_END || device.bytes > RANGES_END) {
            continue;
        }
        const uint64_t end = (device.start + device.bytes + PAGE_MASK) & ~(uint64_t)PAGE_MASK;
        if (ranges_meet(&machine->memory, first, end) ||
            (first < interrupts->start + interrupts->bytes && end > interrupts->start)) {
            continue;
        }
        device_add(paddr_to_pfn((paddr_t){first}), (npages_t){(end - first) >> PAGE_SHIFT});
        machine->devices[kept++] = device;
    }
    machine->device_count = kept;
}

/* A few lines about the machine, for people. */
static void print_banner(void)
{
    const struct machine *machine = &boot.machine;
    const uint64_t version = sbi_version();
    const uint64_t firmware = sbi_implementation_version();
    const uint64_t left_out = ranges_bytes(&machine->memory) - ranges_bytes(&boot.used);
    console_print("\nHoldfast\n");
    console_print("  machine   %s\n", machine->model);
    console_print("  memory    %lu MiB, %lu KiB of it the kernel's\n",
                  ranges_bytes(&boot.used) / MEGA, boot.frames_kernel * (PAGE_SIZE / 1024));
    if (left_out > 0) {
        console_print("  left out  %lu MiB more of memory, by the option mem=\n", left_out / MEGA);
    }
    console_print("  harts     %lu of %lu, booted by %lu, timer by %s\n", boot.hart_count,
                  machine->hart_count, boot.hart_id, machine->has_sstc ? "Sstc" : "firmware");
    if (sbi_implementation() == SBI_OPENSBI) {
        console_print("  firmware  OpenSBI %lu.%lu, SBI %lu.%lu, console by %s\n", firmware >> 16,
                      firmware & 0xffff, version >> 24, version & 0xffffff,
                      console_is_dbcn() ? "DBCN" : "legacy calls");
    } else {
        console_print("  firmware  SBI %lu.%lu, console by %s\n", version >> 24, version & 0xffffff,
                      console_is_dbcn() ? "DBCN" : "legacy calls");
    }
    if (boot.board.clock == BOARD_CLOCK_RAISED) {
        console_print("  clock     raised to %u MHz\n", machine->board_opt->core_mhz);
    } else if (boot.board.clock == BOARD_CLOCK_SLOW) {
        console_print("  clock     cannot be raised: the core's PLL does not lock\n");
    }
    if (boot.board.is_cache_enabled) {
        console_print("  cache     all of it enabled\n");
    }
    if (machine->memory.is_full) {
        console_print("  some memory is not used: too many ranges\n");
    }
    console_print("\n");
}

/*
 * Random bits if the machine gave some. Where it did not, how long it took until here, in time and
 * in instructions, loops that wait for a card among them: boots differ, but who knows the machine
 * can guess (README, "Boot").
 */
static void choose_seed(void)
{
    if (boot.options.has_seed) {
        boot.machine.seed = boot.options.seed;
    } else if (!boot.machine.has_seed) {
        boot.machine.seed = (timer_now() ^ csr_read_instret() << 32) * UINT64_C(0x9e3779b97f4a7c15);
    }
}

void boot_main(uint64_t hart_id, paddr_t tree)
{
    boot.hart_id = hart_id;
    console_init();
    read_tree(tree);
    check_image();
    start_board();
    find_ram();
    drop_far_ram();
    start_memory();
    start_interrupts();
    keep_devices();
    timer_init(boot.machine.has_sstc);
    choose_seed();
    fill_frames();
    boot.frames_kernel = (ranges_bytes(&boot.used) - ranges_bytes(&boot.free)) / PAGE_SIZE -
                         handoff_archive_pages(&boot.machine);
    if (!boot.options.is_quiet) {
        print_banner();
    }
    handoff(&boot);
}
