/* SPDX-License-Identifier: MIT */
/*
 * Devices and the interrupt controller in device trees.
 */
#include "boot/machine.h"

#include <string.h>

#include "tap.h"
#include "tree.h"

#define PLIC 20u /* its phandle */

/* A device with one interrupt; parent 0: that of the node around it. */
static void device(const char *name, const char *kind, uint64_t start_address, uint32_t interrupt,
                   uint32_t parent)
{
    const uint64_t reg[4] = {start_address, 0x1000, start_address + 0x10000, 0x1000};
    tree_node(name);
    tree_numbers("reg", reg, 4);
    tree_text("compatible", kind);
    tree_cell("interrupts", interrupt);
    if (parent != 0) {
        tree_cell("interrupt-parent", parent);
    }
    tree_end();
}

/* Devices on a bus, before and behind the controller that they name. */
static void write_devices(const char *ranges_opt)
{
    static const uint32_t pairs[] = {TREE_INTC + 0, 11, TREE_INTC + 1, 11, TREE_INTC + 1, 9,
                                     TREE_INTC + 2, 11, TREE_INTC + 2, 9};
    const uint64_t reg[2] = {0xc000000, 0x4000000};
    uint8_t extended[sizeof(pairs)];
    for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        tree_store(extended + 4 * (size_t)i, pairs[i], 4);
    }
    tree_node("aliases");
    tree_text("serial0", "/soc/serial@2000");
    tree_end();
    device("flash", "a,flash", 0x20000000, 1, 0);
    tree_node("soc");
    tree_cells(2, 2);
    tree_text("compatible", "simple-bus");
    if (ranges_opt != NULL) {
        tree_property("ranges", ranges_opt, (uint32_t)strlen(ranges_opt));
    }
    tree_cell("interrupt-parent", PLIC);
    device("serial@1000", "a,serial", 0x1000, 3, 0);
    device("serial@2000", "a,serial", 0x2000, 4, PLIC);
    device("other", "a,very-long-name-of-a-device", 0x3000, 5, 77);
    device("broken", "a,timer", 0x4000, 54, 0);
    tree_node("plic");
    tree_numbers("reg", reg, 2);
    tree_property("compatible", "sifive,plic-1.0.0\0riscv,plic0", 30);
    tree_property("interrupts-extended", extended, sizeof(extended));
    tree_cell("riscv,ndev", 53);
    tree_cell("phandle", PLIC);
    tree_end();
    tree_end();
}

/* Three harts, of which the third boots, memory, and devices. */
static void write_machine_with(const char *ranges_opt, const char *stdout_path)
{
    tree_start();
    tree_node("");
    tree_cells(2, 2);
    tree_memory("memory", 0x80000000, 0x1000000);
    tree_node("chosen");
    tree_text("stdout-path", stdout_path);
    tree_end();
    write_devices(ranges_opt);
    tree_node("cpus");
    tree_cells(1, 0);
    tree_cpu(0, NULL, NULL, "rv64imac");
    tree_cpu(1, NULL, "riscv,sv39", "rv64imafdc");
    tree_cpu(2, NULL, "riscv,sv39", "rv64imafdc");
    tree_end();
    tree_end();
    tree_finish();
}

static void write_machine(const char *ranges_opt)
{
    write_machine_with(ranges_opt, "serial0:115200n8");
}

TAP_TEST(devices_have_their_registers_and_the_controllers_interrupts)
{
    struct machine machine;
    write_machine("");
    REQUIRE(EXPECT_U64(tree_read(&machine), DTB_OK));
    REQUIRE(EXPECT_U64(machine.device_count, 5));
    EXPECT_STR(machine.devices[0].compatible, "a,flash");
    EXPECT_U64(machine.devices[0].interrupt, 0);
    EXPECT_U64(machine.devices[1].start, 0x1000);
    EXPECT_U64(machine.devices[1].bytes, 0x1000);
    EXPECT_U64(machine.devices[1].interrupt, 3);
    EXPECT_U64(machine.devices[2].interrupt, 4);
    EXPECT(memcmp(machine.devices[3].compatible, "a,very-long-name-of-a-de", 24) == 0);
    EXPECT_U64(machine.devices[3].interrupt, 0);
    EXPECT_U64(machine.devices[4].interrupt, 0);
    EXPECT_U64(machine.interrupts.start, 0xc000000);
    EXPECT_U64(machine.interrupts.bytes, 0x4000000);
    EXPECT_U64(machine.interrupts.lines, 53);
    EXPECT_U64(machine.interrupts.context, 4);
}

/* With this stdout-path device `console` is the console and no other; 5: none is. */
static void expect_console(const char *stdout_path, unsigned console)
{
    struct machine machine;
    write_machine_with("", stdout_path);
    REQUIRE(EXPECT_U64(tree_read(&machine), DTB_OK));
    REQUIRE(EXPECT_U64(machine.device_count, 5));
    for (unsigned i = 0; i < machine.device_count; i++) {
        EXPECT_U64(machine.devices[i].flags, i == console ? BOOT_DEVICE_CONSOLE : 0);
    }
}

TAP_TEST(the_console_is_found_by_its_alias)
{
    expect_console("serial0", 2);
    expect_console("serial0:115200n8", 2);
}

TAP_TEST(the_console_is_found_by_its_path)
{
    expect_console("/soc/serial@1000", 1);
    expect_console("/soc/serial@1000:115200n8", 1);
}

TAP_TEST(an_alias_that_only_begins_like_that_of_the_console_is_another)
{
    expect_console("serial01", 5);
    expect_console("serial0x:115200n8", 5);
    expect_console("serial", 5);
    expect_console("", 5);
}

/* A controller, with a child that is compatible with something. */
static void write_controller(const char *name, const char *compatible, const char *child)
{
    const uint64_t reg[2] = {0x5000, 0x1000};
    tree_node(name);
    tree_text("compatible", compatible);
    tree_numbers("reg", reg, 2);
    tree_cells(1, 0);
    tree_node("mmc@0");
    tree_text("compatible", child);
    tree_end();
    tree_end();
}

TAP_TEST(a_controller_with_a_slot_for_cards_is_known_as_such)
{
    struct machine machine;
    tree_start();
    tree_node("");
    tree_cells(2, 2);
    tree_memory("memory", 0x80000000, 0x1000000);
    tree_node("soc");
    tree_text("compatible", "simple-bus");
    tree_property("ranges", "", 0);
    tree_cells(2, 2);
    write_controller("spi@1", "sifive,spi0", "jedec,spi-nor");
    write_controller("spi@2", "sifive,spi0", "mmc-spi-slot");
    write_controller("spi@3", "another,spi", "mmc-spi-slot");
    tree_end();
    tree_end();
    tree_finish();
    REQUIRE(EXPECT_U64(tree_read(&machine), DTB_OK));
    REQUIRE(EXPECT_U64(machine.device_count, 3));
    EXPECT_U64(machine.devices[0].flags, 0);
    EXPECT_U64(machine.devices[1].flags, BOOT_DEVICE_CARD);
    EXPECT_U64(machine.devices[2].flags, 0);
}

TAP_TEST(devices_on_a_bus_with_addresses_of_its_own_are_left_out)
{
    for (unsigned i = 0; i < 2; i++) {
        struct machine machine;
        write_machine(i == 0 ? NULL : "some");
        REQUIRE(EXPECT_U64(tree_read(&machine), DTB_OK));
        EXPECT_U64(machine.device_count, 1);
        EXPECT_U64(machine.interrupts.lines, 0);
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(devices_have_their_registers_and_the_controllers_interrupts),
        TAP(the_console_is_found_by_its_alias),
        TAP(the_console_is_found_by_its_path),
        TAP(an_alias_that_only_begins_like_that_of_the_console_is_another),
        TAP(a_controller_with_a_slot_for_cards_is_known_as_such),
        TAP(devices_on_a_bus_with_addresses_of_its_own_are_left_out),
    };
    return TAP_RUN(argc, argv, tests);
}
