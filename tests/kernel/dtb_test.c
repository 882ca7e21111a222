/* SPDX-License-Identifier: MIT */
/*
 * Device trees, good ones and damaged ones, written here byte by byte.
 */
#include "boot/machine.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define ROOM 8192u

/* A tree in the making. */
static struct {
    uint8_t structure[ROOM];
    uint32_t structure_bytes;
    char strings[ROOM];
    uint32_t strings_bytes;
    uint64_t reserved[8][2];
    uint32_t reserved_count;
    uint8_t blob[3 * ROOM];
    uint32_t total;
} tree;

static void store(uint8_t *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    }
}

static void put(uint64_t value, unsigned bytes)
{
    store(tree.structure + tree.structure_bytes, value, bytes);
    tree.structure_bytes += bytes;
}

static void put_bytes(const void *bytes, uint32_t length)
{
    memcpy(tree.structure + tree.structure_bytes, bytes, length);
    tree.structure_bytes += length;
    while (tree.structure_bytes % 4 != 0) {
        put(0, 1);
    }
}

static void start(void)
{
    memset(&tree, 0, sizeof(tree));
}

static void node(const char *name)
{
    put(1, 4);
    put_bytes(name, (uint32_t)strlen(name) + 1);
}

static void end(void)
{
    put(2, 4);
}

static void property(const char *name, const void *value, uint32_t length)
{
    put(3, 4);
    put(length, 4);
    put(tree.strings_bytes, 4);
    strcpy(tree.strings + tree.strings_bytes, name);
    tree.strings_bytes += (uint32_t)strlen(name) + 1;
    put_bytes(value, length);
}

static void text(const char *name, const char *value)
{
    property(name, value, (uint32_t)strlen(value) + 1);
}

static void cell(const char *name, uint32_t value)
{
    uint8_t bytes[4];
    store(bytes, value, 4);
    property(name, bytes, 4);
}

/* A property of `count` 64-bit numbers, which are two cells each. */
static void numbers(const char *name, const uint64_t *values, uint32_t count)
{
    uint8_t bytes[128];
    for (uint32_t i = 0; i < count; i++) {
        store(bytes + 8 * (size_t)i, values[i], 8);
    }
    property(name, bytes, 8 * count);
}

static void cells(uint32_t address, uint32_t size)
{
    cell("#address-cells", address);
    cell("#size-cells", size);
}

static void memory(const char *name, uint64_t start_address, uint64_t bytes)
{
    const uint64_t reg[2] = {start_address, bytes};
    node(name);
    numbers("reg", reg, 2);
    text("device_type", "memory");
    end();
}

/* Put the parts together: header, reservations, structure, strings. */
static void finish(void)
{
    put(9, 4);
    const uint32_t reserved = 40;
    const uint32_t structure = reserved + 16 * (tree.reserved_count + 1);
    const uint32_t strings = structure + tree.structure_bytes;
    const uint32_t header[10] = {
        0xd00dfeed, strings + tree.strings_bytes, structure,           strings, reserved, 17, 16,
        0,          tree.strings_bytes,           tree.structure_bytes};
    for (unsigned i = 0; i < 10; i++) {
        store(tree.blob + 4 * (size_t)i, header[i], 4);
    }
    for (uint32_t i = 0; i < tree.reserved_count; i++) {
        store(tree.blob + reserved + 16 * (size_t)i, tree.reserved[i][0], 8);
        store(tree.blob + reserved + 16 * (size_t)i + 8, tree.reserved[i][1], 8);
    }
    memcpy(tree.blob + structure, tree.structure, tree.structure_bytes);
    memcpy(tree.blob + strings, tree.strings, tree.strings_bytes);
    tree.total = strings + tree.strings_bytes;
}

/* Read the blob from memory of exactly its size. */
static enum dtb_error read_tree(struct machine *machine)
{
    uint8_t *exact = aligned_alloc(8, (tree.total + 7) & ~7u);
    memcpy(exact, tree.blob, tree.total);
    const enum dtb_error error = machine_read(exact, tree.total, machine);
    free(exact);
    return error;
}

static void cpu(uint32_t id, const char *status_opt, const char *mmu_opt, const char *isa)
{
    node("cpu");
    cell("reg", id);
    text("device_type", "cpu");
    if (status_opt != NULL) {
        text("status", status_opt);
    }
    if (mmu_opt != NULL) {
        text("mmu-type", mmu_opt);
    }
    text("riscv,isa", isa);
    node("interrupt-controller");
    cell("reg", 99);
    end();
    end();
}

/* A machine with something of everything. */
static void write_machine(void)
{
    const uint64_t initrd[2] = {0x84000000, 0x84123456};
    const uint64_t firmware[2] = {0x80000000, 0x40000};
    const uint64_t other[4] = {0x80040000, 0x20000, 0x90000000, 0x1000};
    start();
    tree.reserved[0][0] = 0x88000000;
    tree.reserved[0][1] = 0x2000;
    tree.reserved_count = 1;
    node("");
    cells(2, 2);
    text("model", "test,machine");
    memory("memory@80000000", 0x80000000, 0x8000000);
    node("chosen");
    text("bootargs", "quiet seed=7");
    numbers("linux,initrd-start", &initrd[0], 1);
    cell("linux,initrd-end", (uint32_t)initrd[1]);
    text("stdout-path", "serial0");
    property("rng-seed", "0123456789abcdef", 16);
    end();
    node("reserved-memory");
    cells(2, 2);
    node("firmware");
    numbers("reg", firmware, 2);
    end();
    node("other");
    numbers("reg", other, 4);
    property("no-map", "", 0);
    end();
    node("dynamic");
    cell("size", 4096);
    end();
    end();
    node("cpus");
    cells(1, 0);
    cell("timebase-frequency", 10000000);
    cpu(0, "disabled", NULL, "rv64imac");
    cpu(1, "okay", "riscv,sv39", "rv64imafdc_zicsr_sstc_zba");
    cpu(2, NULL, "riscv,sv48", "rv64imafdc_sstc");
    cpu(3, NULL, "riscv,none", "rv64imac");
    end();
    memory("memory@100000000", 0x100000000, 0x40000000);
    end();
    finish();
}

TAP_TEST(a_whole_machine_is_read)
{
    struct machine machine;
    write_machine();
    REQUIRE(EXPECT_U64(read_tree(&machine), DTB_OK));
    EXPECT_STR(machine.model, "test,machine");
    EXPECT_STR(machine.bootargs, "quiet seed=7");
    EXPECT_STR(machine.stdout_path, "serial0");
    EXPECT_U64(machine.memory.count, 2);
    EXPECT_U64(machine.memory.items[1].start, 0x100000000);
    EXPECT_U64(machine.memory.items[1].end, 0x140000000);
    EXPECT_U64(machine.reserved.count, 3);
    EXPECT_U64(machine.reserved.items[0].start, 0x80000000);
    EXPECT_U64(machine.reserved.items[0].end, 0x80060000);
    EXPECT_U64(machine.reserved.items[1].start, 0x88000000);
    EXPECT_U64(machine.reserved.items[2].end, 0x90001000);
    EXPECT_U64(machine.archive_start, 0x84000000);
    EXPECT_U64(machine.archive_end, 0x84123456);
    EXPECT_U64(machine.timebase_hz, 10000000);
    EXPECT(machine.has_seed && machine.seed != 0);
    EXPECT(machine.has_sstc);
    EXPECT_U64(machine.hart_count, 2);
    EXPECT_U64(machine.hart_ids[0], 1);
    EXPECT_U64(machine.hart_ids[1], 2);
}

TAP_TEST(one_hart_without_sstc_is_enough_to_do_without)
{
    static const char *const isas[] = {"rv64imafdc_sstcx", "rv64imafdc_xsstc", "rv64imafdc"};
    for (unsigned i = 0; i < 3; i++) {
        struct machine machine;
        start();
        node("");
        cells(2, 2);
        memory("memory", 0x80000000, 0x1000000);
        node("cpus");
        cells(1, 0);
        cpu(0, NULL, "riscv,sv39", "rv64imafdc_sstc");
        cpu(1, NULL, "riscv,sv39", isas[i]);
        end();
        end();
        finish();
        REQUIRE(EXPECT_U64(read_tree(&machine), DTB_OK));
        EXPECT(!machine.has_sstc);
    }
}

TAP_TEST(trees_without_memory_are_refused)
{
    struct machine machine;
    start();
    node("");
    end();
    finish();
    EXPECT_U64(read_tree(&machine), DTB_NO_MEMORY);
    /* Memory that is switched off, or not at the top, is none. */
    start();
    node("");
    cells(2, 2);
    node("memory");
    const uint64_t reg[2] = {0x80000000, 0x1000000};
    numbers("reg", reg, 2);
    text("device_type", "memory");
    text("status", "disabled");
    end();
    node("soc");
    cells(2, 2);
    memory("memory", 0x80000000, 0x1000000);
    end();
    end();
    finish();
    EXPECT_U64(read_tree(&machine), DTB_NO_MEMORY);
}

TAP_TEST(impossible_cells_are_refused)
{
    static const uint32_t bad[][2] = {{0, 1}, {3, 2}, {2, 0}, {2, 3}, {0xffffffff, 2}};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct machine machine;
        start();
        node("");
        cells(bad[i][0], bad[i][1]);
        memory("memory", 0x80000000, 0x1000000);
        end();
        finish();
        EXPECT_U64(read_tree(&machine), DTB_BAD_CELLS);
    }
}

TAP_TEST(too_deep_or_unpaired_nodes_are_refused)
{
    struct machine machine;
    start();
    for (unsigned i = 0; i < 1000; i++) {
        node("x");
    }
    finish();
    EXPECT_U64(read_tree(&machine), DTB_BAD_NESTING);
    start();
    node("");
    end();
    end();
    finish();
    EXPECT_U64(read_tree(&machine), DTB_BAD_NESTING);
    start();
    node("");
    finish();
    EXPECT_U64(read_tree(&machine), DTB_BAD_NESTING);
    start();
    cell("reg", 1);
    finish();
    EXPECT_U64(read_tree(&machine), DTB_BAD_NESTING);
}

TAP_TEST(more_reserved_ranges_than_there_is_room_for_are_refused)
{
    struct machine machine;
    start();
    node("");
    cells(2, 2);
    memory("memory", 0x80000000, 0x1000000);
    node("reserved-memory");
    cells(2, 2);
    for (uint64_t i = 0; i <= RANGES_MAX; i++) {
        const uint64_t reg[2] = {0x80000000 + i * 0x2000, 0x1000};
        node("r");
        numbers("reg", reg, 2);
        end();
    }
    end();
    end();
    finish();
    EXPECT_U64(read_tree(&machine), DTB_TOO_RESERVED);
}

TAP_TEST(what_is_no_tree_is_refused)
{
    struct machine machine;
    static _Alignas(8) uint8_t nothing[64];
    EXPECT_U64(machine_read(NULL, 64, &machine), DTB_BAD_ADDRESS);
    EXPECT_U64(machine_read(nothing + 4, 60, &machine), DTB_BAD_ADDRESS);
    EXPECT_U64(machine_read(nothing, 64, &machine), DTB_BAD_MAGIC);
    EXPECT_U64(machine_read(nothing, 0, &machine), DTB_BAD_MAGIC);
    write_machine();
    store(tree.blob + 24, 18, 4);
    EXPECT_U64(read_tree(&machine), DTB_BAD_VERSION);
    for (unsigned field = 4; field <= 36; field += field == 16 ? 16 : 4) {
        if (field == 20 || field == 24 || field == 28) {
            continue;
        }
        write_machine();
        store(tree.blob + field, 0xfffffff0, 4);
        EXPECT_U64(read_tree(&machine), DTB_BAD_SIZE);
    }
}

TAP_TEST(long_texts_are_cut)
{
    struct machine machine;
    char line[1000];
    memset(line, 'a', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    start();
    node("");
    cells(2, 2);
    text("model", line);
    memory("memory", 0x80000000, 0x1000000);
    node("chosen");
    property("bootargs", line, 300); /* without an end */
    end();
    end();
    finish();
    REQUIRE(EXPECT_U64(read_tree(&machine), DTB_OK));
    EXPECT_U64(strlen(machine.model), MACHINE_MODEL_BYTES - 1);
    EXPECT_U64(strlen(machine.bootargs), MACHINE_BOOTARGS_BYTES - 1);
}

TAP_TEST(cut_trees_do_not_lead_outside)
{
    struct machine machine;
    write_machine();
    const uint32_t whole = tree.total;
    for (uint32_t total = 0; total < whole; total++) {
        write_machine();
        tree.total = total;
        EXPECT(read_tree(&machine) != DTB_OK);
        /* The header agrees with the cut: only the blocks are too long. */
        write_machine();
        store(tree.blob + 4, total, 4);
        tree.total = total < 40 ? 40 : total;
        EXPECT(read_tree(&machine) != DTB_OK);
    }
}

TAP_TEST(damaged_trees_do_not_lead_outside)
{
    struct machine machine;
    uint64_t state = 1;
    uint64_t good = 0;
    for (unsigned run = 0; run < 50000; run++) {
        write_machine();
        for (unsigned i = 0; i <= run % 5; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            tree.blob[(state >> 33) % tree.total] = (uint8_t)(state >> 20);
        }
        if (read_tree(&machine) == DTB_OK) {
            ranges_audit(&machine.memory);
            ranges_audit(&machine.reserved);
            good++;
        }
    }
    EXPECT(good > 0 && good < 50000);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_whole_machine_is_read),
        TAP(one_hart_without_sstc_is_enough_to_do_without),
        TAP(trees_without_memory_are_refused),
        TAP(impossible_cells_are_refused),
        TAP(too_deep_or_unpaired_nodes_are_refused),
        TAP(more_reserved_ranges_than_there_is_room_for_are_refused),
        TAP(what_is_no_tree_is_refused),
        TAP(long_texts_are_cut),
        TAP(cut_trees_do_not_lead_outside),
        TAP(damaged_trees_do_not_lead_outside),
    };
    return TAP_RUN(argc, argv, tests);
}
