/* SPDX-License-Identifier: MIT */
/*
 * Device trees, good ones and damaged ones, written byte by byte.
 */
#include "boot/machine.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "tree.h"

/* A machine with something of everything. */
static void write_machine(void)
{
    const uint64_t initrd[2] = {0x84000000, 0x84123456};
    const uint64_t firmware[2] = {0x80000000, 0x40000};
    const uint64_t other[4] = {0x80040000, 0x20000, 0x90000000, 0x1000};
    tree_start();
    tree.reserved[0][0] = 0x88000000;
    tree.reserved[0][1] = 0x2000;
    tree.reserved_count = 1;
    tree_node("");
    tree_cells(2, 2);
    tree_text("model", "test,machine");
    tree_memory("memory@80000000", 0x80000000, 0x8000000);
    tree_node("chosen");
    tree_text("bootargs", "quiet seed=7");
    tree_numbers("linux,initrd-start", &initrd[0], 1);
    tree_cell("linux,initrd-end", (uint32_t)initrd[1]);
    tree_text("stdout-path", "serial0");
    tree_property("rng-seed", "0123456789abcdef", 16);
    tree_end();
    tree_node("reserved-memory");
    tree_cells(2, 2);
    tree_node("firmware");
    tree_numbers("reg", firmware, 2);
    tree_end();
    tree_node("other");
    tree_numbers("reg", other, 4);
    tree_property("no-map", "", 0);
    tree_end();
    tree_node("dynamic");
    tree_cell("size", 4096);
    tree_end();
    tree_end();
    tree_node("cpus");
    tree_cells(1, 0);
    tree_cell("timebase-frequency", 10000000);
    tree_cpu(0, "disabled", NULL, "rv64imac");
    tree_cpu(1, "okay", "riscv,sv39", "rv64imafdc_zicsr_sstc_zba");
    tree_cpu(2, NULL, "riscv,sv48", "rv64imafdc_sstc");
    tree_cpu(3, NULL, "riscv,none", "rv64imac");
    tree_end();
    tree_memory("memory@100000000", 0x100000000, 0x40000000);
    tree_end();
    tree_finish();
}

TAP_TEST(a_whole_machine_is_read)
{
    struct machine machine;
    write_machine();
    REQUIRE(EXPECT_U64(tree_read(&machine), DTB_OK));
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
    EXPECT_U64(machine.hart_ids[0], TREE_BOOT_HART);
    EXPECT_U64(machine.hart_ids[1], 1);
    EXPECT_U64(machine.other_count, 2);
    EXPECT_U64(machine.other_ids[0], 0);
    EXPECT_U64(machine.other_ids[1], 3);
}

/* A machine with harts of these numbers; if TREE_BOOT_HART is among them, it is as `boot_isa`. */
static void read_harts(const uint32_t *ids, uint32_t count, const char *boot_isa,
                       struct machine *machine)
{
    tree_start();
    tree_node("");
    tree_cells(2, 2);
    tree_memory("memory", 0x80000000, 0x1000000);
    tree_node("cpus");
    tree_cells(1, 0);
    for (uint32_t i = 0; i < count; i++) {
        tree_cpu(ids[i], NULL, "riscv,sv39",
                 ids[i] == TREE_BOOT_HART ? boot_isa : "rv64imafdc_sstc");
    }
    tree_end();
    tree_end();
    tree_finish();
    EXPECT_U64(tree_read(machine), DTB_OK);
}

TAP_TEST(the_boot_hart_comes_first_and_the_others_as_in_the_tree_with_gaps)
{
    static const uint32_t ids[] = {0x101, 7, TREE_BOOT_HART, 64, 3};
    static const uint64_t expected[] = {TREE_BOOT_HART, 0x101, 7, 64, 3};
    struct machine machine;

    read_harts(ids, 5, "rv64imafdc_sstc", &machine);
    EXPECT_U64(machine.hart_count, 5);
    EXPECT_BYTES(machine.hart_ids, expected, sizeof(expected));
    EXPECT(machine.has_sstc);
}

TAP_TEST(a_boot_hart_that_the_tree_does_not_have_is_one_all_the_same)
{
    static const uint32_t ids[] = {4, 1};
    static const uint64_t expected[] = {TREE_BOOT_HART, 4, 1};
    struct machine machine;

    read_harts(ids, 2, "", &machine);
    EXPECT_U64(machine.hart_count, 3);
    EXPECT_BYTES(machine.hart_ids, expected, sizeof(expected));
    read_harts(ids, 0, "", &machine);
    EXPECT_U64(machine.hart_count, 1);
    EXPECT(!machine.has_sstc);
}

TAP_TEST(of_too_many_harts_the_boot_hart_is_kept_wherever_it_is)
{
    uint32_t ids[MACHINE_HARTS_MAX + 6];
    struct machine machine;

    for (uint32_t i = 0; i < MACHINE_HARTS_MAX + 6; i++) {
        ids[i] = 100 + 3 * i;
    }
    ids[MACHINE_HARTS_MAX + 5] = TREE_BOOT_HART;
    read_harts(ids, MACHINE_HARTS_MAX + 6, "rv64imafdc", &machine);
    EXPECT_U64(machine.hart_count, MACHINE_HARTS_MAX);
    EXPECT_U64(machine.hart_ids[0], TREE_BOOT_HART);
    EXPECT_U64(machine.hart_ids[1], 100);
    EXPECT_U64(machine.hart_ids[MACHINE_HARTS_MAX - 1], 100 + 3 * (MACHINE_HARTS_MAX - 2));
    EXPECT(!machine.has_sstc); /* what the tree says of it counts, as for its interrupts */
}

TAP_TEST(one_hart_without_sstc_is_enough_to_do_without)
{
    static const char *const isas[] = {"rv64imafdc_sstcx", "rv64imafdc_xsstc", "rv64imafdc"};
    for (unsigned i = 0; i < 3; i++) {
        struct machine machine;
        tree_start();
        tree_node("");
        tree_cells(2, 2);
        tree_memory("memory", 0x80000000, 0x1000000);
        tree_node("cpus");
        tree_cells(1, 0);
        tree_cpu(0, NULL, "riscv,sv39", "rv64imafdc_sstc");
        tree_cpu(1, NULL, "riscv,sv39", isas[i]);
        tree_end();
        tree_end();
        tree_finish();
        REQUIRE(EXPECT_U64(tree_read(&machine), DTB_OK));
        EXPECT(!machine.has_sstc);
    }
}

TAP_TEST(trees_without_memory_are_refused)
{
    struct machine machine;
    tree_start();
    tree_node("");
    tree_end();
    tree_finish();
    EXPECT_U64(tree_read(&machine), DTB_NO_MEMORY);
    /* Memory that is switched off, or not at the top, is none. */
    tree_start();
    tree_node("");
    tree_cells(2, 2);
    tree_node("memory");
    const uint64_t reg[2] = {0x80000000, 0x1000000};
    tree_numbers("reg", reg, 2);
    tree_text("device_type", "memory");
    tree_text("status", "disabled");
    tree_end();
    tree_node("soc");
    tree_cells(2, 2);
    tree_memory("memory", 0x80000000, 0x1000000);
    tree_end();
    tree_end();
    tree_finish();
    EXPECT_U64(tree_read(&machine), DTB_NO_MEMORY);
}

TAP_TEST(impossible_cells_are_refused)
{
    static const uint32_t bad[][2] = {{0, 1}, {3, 2}, {2, 0}, {2, 3}, {0xffffffff, 2}};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct machine machine;
        tree_start();
        tree_node("");
        tree_cells(bad[i][0], bad[i][1]);
        tree_memory("memory", 0x80000000, 0x1000000);
        tree_end();
        tree_finish();
        EXPECT_U64(tree_read(&machine), DTB_BAD_CELLS);
    }
}

TAP_TEST(too_deep_or_unpaired_nodes_are_refused)
{
    struct machine machine;
    tree_start();
    for (unsigned i = 0; i < 1000; i++) {
        tree_node("x");
    }
    tree_finish();
    EXPECT_U64(tree_read(&machine), DTB_BAD_NESTING);
    tree_start();
    tree_node("");
    tree_end();
    tree_end();
    tree_finish();
    EXPECT_U64(tree_read(&machine), DTB_BAD_NESTING);
    tree_start();
    tree_node("");
    tree_finish();
    EXPECT_U64(tree_read(&machine), DTB_BAD_NESTING);
    tree_start();
    tree_cell("reg", 1);
    tree_finish();
    EXPECT_U64(tree_read(&machine), DTB_BAD_NESTING);
}

TAP_TEST(more_reserved_ranges_than_there_is_room_for_are_refused)
{
    struct machine machine;
    tree_start();
    tree_node("");
    tree_cells(2, 2);
    tree_memory("memory", 0x80000000, 0x1000000);
    tree_node("reserved-memory");
    tree_cells(2, 2);
    for (uint64_t i = 0; i <= RANGES_MAX; i++) {
        const uint64_t reg[2] = {0x80000000 + i * 0x2000, 0x1000};
        tree_node("r");
        tree_numbers("reg", reg, 2);
        tree_end();
    }
    tree_end();
    tree_end();
    tree_finish();
    EXPECT_U64(tree_read(&machine), DTB_TOO_RESERVED);
}

TAP_TEST(what_is_no_tree_is_refused)
{
    struct machine machine;
    static _Alignas(8) uint8_t nothing[64];
    EXPECT_U64(machine_read(NULL, 64, TREE_BOOT_HART, &machine), DTB_BAD_ADDRESS);
    EXPECT_U64(machine_read(nothing + 4, 60, TREE_BOOT_HART, &machine), DTB_BAD_ADDRESS);
    EXPECT_U64(machine_read(nothing, 64, TREE_BOOT_HART, &machine), DTB_BAD_MAGIC);
    EXPECT_U64(machine_read(nothing, 0, TREE_BOOT_HART, &machine), DTB_BAD_MAGIC);
    write_machine();
    tree_store(tree.blob + 24, 18, 4);
    EXPECT_U64(tree_read(&machine), DTB_BAD_VERSION);
    for (unsigned field = 4; field <= 36; field += field == 16 ? 16 : 4) {
        if (field == 20 || field == 24 || field == 28) {
            continue;
        }
        write_machine();
        tree_store(tree.blob + field, 0xfffffff0, 4);
        EXPECT_U64(tree_read(&machine), DTB_BAD_SIZE);
    }
}

TAP_TEST(long_texts_are_cut)
{
    struct machine machine;
    char line[1000];
    memset(line, 'a', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    tree_start();
    tree_node("");
    tree_cells(2, 2);
    tree_text("model", line);
    tree_memory("memory", 0x80000000, 0x1000000);
    tree_node("chosen");
    tree_property("bootargs", line, 300); /* without an end */
    tree_end();
    tree_end();
    tree_finish();
    REQUIRE(EXPECT_U64(tree_read(&machine), DTB_OK));
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
        EXPECT(tree_read(&machine) != DTB_OK);
        /* The header agrees with the cut: only the blocks are too long. */
        write_machine();
        tree_store(tree.blob + 4, total, 4);
        tree.total = total < 40 ? 40 : total;
        EXPECT(tree_read(&machine) != DTB_OK);
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
        if (tree_read(&machine) == DTB_OK) {
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
        TAP(the_boot_hart_comes_first_and_the_others_as_in_the_tree_with_gaps),
        TAP(a_boot_hart_that_the_tree_does_not_have_is_one_all_the_same),
        TAP(of_too_many_harts_the_boot_hart_is_kept_wherever_it_is),
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
