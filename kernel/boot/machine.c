/* SPDX-License-Identifier: MIT */
/*
 * One pass over the tree. Only nodes at most two levels below the root are of interest, so that
 * what is known of the open nodes fits into one record a level; a node is judged when it ends.
 */
#include "boot/machine.h"

#include <stddef.h>

#include "boot/text.h"
#include <base/assert.h>

/* Levels: 1 the root, 2 its children, 3 theirs. */
#define LEVELS 4u

enum section {
    SECTION_NONE,
    SECTION_CHOSEN,
    SECTION_CPUS,
    SECTION_RESERVED,
    SECTION_ALIASES,
};

/* Properties of one open node. */
struct node {
    uint32_t address_cells; /* of its children */
    uint32_t size_cells;
    const uint8_t *reg_opt;
    uint32_t reg_length;
    bool is_memory;
    bool is_cpu;
    bool is_disabled;
    bool has_mmu;
    bool has_sstc;
    struct device_node device;
};

struct reader {
    struct machine *machine;
    enum section section; /* of the open node at level 2 */
    struct node nodes[LEVELS];
    struct devices devices;
    bool has_hart;      /* a usable one was met */
    uint32_t boot_intc; /* phandle of the boot hart's interrupt controller */
};

/* The value is `text` with its NUL, perhaps followed by more. */
static bool value_is(const struct dtb_item *item, const char *text)
{
    const size_t length = text_length(text) + 1;
    return item->length >= length && text_is_equal((const char *)item->value, text, length);
}

/* A number of one or two cells; others are 0. */
static uint64_t value_number(const struct dtb_item *item)
{
    return item->length == 4 || item->length == 8 ? dtb_cells(item->value, item->length / 4) : 0;
}

/*
 * `word` stands in the value between two of '_' , NUL and the ends: an ISA string or a list of
 * extensions.
 */
static bool value_has_word(const struct dtb_item *item, const char *word)
{
    const size_t length = text_length(word);
    const char *value = (const char *)item->value;
    for (size_t i = 0; i + length <= item->length; i++) {
        const bool starts = i == 0 || value[i - 1] == '_' || value[i - 1] == '\0';
        const bool ends =
            i + length == item->length || value[i + length] == '_' || value[i + length] == '\0';
        if (starts && ends && text_is_equal(value + i, word, length)) {
            return true;
        }
    }
    return false;
}

/*
 * Fold random bytes into 64 bits: each one reaches all bits of the result (SplitMix64's finishing
 * steps).
 */
static uint64_t fold_seed(const struct dtb_item *item)
{
    uint64_t seed = 0;
    for (uint32_t i = 0; i < item->length; i++) {
        seed = (seed ^ item->value[i]) + UINT64_C(0x9e3779b97f4a7c15);
        seed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        seed = (seed ^ seed >> 27) * UINT64_C(0x94d049bb133111eb);
        seed ^= seed >> 31;
    }
    return seed;
}

static void chosen_property(struct machine *machine, const struct dtb_item *item)
{
    const char *value = (const char *)item->value;
    if (text_equals(item->name, "bootargs")) {
        text_copy(machine->bootargs, sizeof(machine->bootargs), value, item->length);
    } else if (text_equals(item->name, "stdout-path")) {
        text_copy(machine->stdout_path, sizeof(machine->stdout_path), value, item->length);
    } else if (text_equals(item->name, "linux,initrd-start")) {
        machine->archive_start = value_number(item);
    } else if (text_equals(item->name, "linux,initrd-end")) {
        machine->archive_end = value_number(item);
    } else if (text_equals(item->name, "rng-seed") && item->length > 0) {
        machine->seed = fold_seed(item);
        machine->has_seed = true;
    }
}

/* Properties that mean the same wherever they stand. */
static void node_property(struct node *node, const struct dtb_item *item)
{
    if (text_equals(item->name, "reg")) {
        node->reg_opt = item->value;
        node->reg_length = item->length;
    } else if (text_equals(item->name, "#address-cells") && item->length == 4) {
        node->address_cells = dtb_u32(item->value);
    } else if (text_equals(item->name, "#size-cells") && item->length == 4) {
        node->size_cells = dtb_u32(item->value);
    } else if (text_equals(item->name, "device_type")) {
        node->is_memory = value_is(item, "memory");
        node->is_cpu = value_is(item, "cpu");
    } else if (text_equals(item->name, "status")) {
        node->is_disabled = !value_is(item, "okay") && !value_is(item, "ok");
    } else if (text_equals(item->name, "mmu-type")) {
        node->has_mmu = !value_is(item, "riscv,none");
    } else if (text_equals(item->name, "riscv,isa") ||
               text_equals(item->name, "riscv,isa-extensions")) {
        node->has_sstc = node->has_sstc || value_has_word(item, "sstc");
    }
}

static void property(struct reader *reader, uint32_t level, const struct dtb_item *item)
{
    struct machine *machine = reader->machine;
    if (level == LEVELS && reader->section == SECTION_CPUS && text_equals(item->name, "phandle") &&
        item->length == 4) {
        reader->nodes[LEVELS - 1].device.cpu_intc = dtb_u32(item->value);
    }
    if (level == LEVELS) {
        devices_child_property(&reader->nodes[LEVELS - 1].device, item);
    }
    if (level >= LEVELS) {
        return;
    }
    node_property(&reader->nodes[level], item);
    devices_property(&reader->nodes[level].device, item);
    if (level == 1 && text_equals(item->name, "model")) {
        text_copy(machine->model, sizeof(machine->model), (const char *)item->value, item->length);
    } else if (level == 1 && text_equals(item->name, "compatible")) {
        machine->board_opt = board_find((const char *)item->value, item->length);
    } else if (level == 2 && reader->section == SECTION_CHOSEN) {
        chosen_property(machine, item);
    } else if (level == 2 && reader->section == SECTION_ALIASES &&
               text_equals(item->name, "serial0") && item->length > 0 &&
               item->value[item->length - 1] == '\0') {
        reader->devices.alias_opt = (const char *)item->value;
    } else if (level >= 2 && reader->section == SECTION_CPUS &&
               text_equals(item->name, "timebase-frequency")) {
        machine->timebase_hz = value_number(item);
    }
}

static void begin(struct reader *reader, uint32_t level, const char *name)
{
    if (level >= LEVELS) {
        return;
    }
    struct node *node = &reader->nodes[level];
    /* Defaults: Devicetree Specification 0.4, 2.3.5. */
    *node = (struct node){
        .address_cells = 2,
        .size_cells = 1,
        .device = {.name = name, .parent = reader->nodes[level - 1].device.parent},
    };
    if (level == 2) {
        reader->section = text_equals(name, "chosen")            ? SECTION_CHOSEN
                          : text_equals(name, "cpus")            ? SECTION_CPUS
                          : text_equals(name, "reserved-memory") ? SECTION_RESERVED
                          : text_equals(name, "aliases")         ? SECTION_ALIASES
                                                                 : SECTION_NONE;
    }
}

/* Its children have addresses and sizes that this machine can have. */
static bool has_plain_cells(const struct node *parent)
{
    return parent->address_cells - 1 < 2 && parent->size_cells - 1 < 2;
}

/* Add every address and size of a node's reg, in the cells of its parent. */
static enum dtb_error add_reg(const struct node *parent, const struct node *node,
                              struct ranges *ranges)
{
    const uint32_t address_cells = parent->address_cells;
    const uint32_t size_cells = parent->size_cells;
    if (!has_plain_cells(parent)) {
        return DTB_BAD_CELLS;
    }
    const uint32_t entry = 4 * (address_cells + size_cells);
    for (uint32_t at = 0; node->reg_length - at >= entry; at += entry) {
        ranges_add(ranges, dtb_cells(node->reg_opt + at, address_cells),
                   dtb_cells(node->reg_opt + at + 4 * (size_t)address_cells, size_cells));
    }
    return DTB_OK;
}

static enum dtb_error add_cpu(const struct node *parent, const struct node *node,
                              struct reader *reader)
{
    struct machine *machine = reader->machine;
    if (parent->address_cells < 1 || parent->address_cells > 2) {
        return DTB_BAD_CELLS;
    }
    if (node->reg_length != 4 * parent->address_cells) {
        return DTB_OK;
    }
    const uint64_t id = dtb_cells(node->reg_opt, parent->address_cells);
    if (!node->has_mmu) {
        if (machine->other_count < MACHINE_HARTS_MAX) {
            machine->other_ids[machine->other_count++] = id;
        }
        return DTB_OK;
    }
    const bool is_boot_hart = id == machine->hart_ids[0];
    if (!is_boot_hart && machine->hart_count == MACHINE_HARTS_MAX) {
        return DTB_OK;
    }
    machine->has_sstc = node->has_sstc && (machine->has_sstc || !reader->has_hart);
    reader->has_hart = true;
    if (is_boot_hart) {
        reader->boot_intc = node->device.cpu_intc;
    } else {
        machine->hart_ids[machine->hart_count++] = id;
    }
    return DTB_OK;
}

/* A node with registers that may be a device. Odd cells: it is none that can be reached. */
static void add_device(struct reader *reader, uint32_t level)
{
    const struct node *parent = &reader->nodes[level - 1];
    const struct node *node = &reader->nodes[level];
    const uint32_t address_cells = parent->address_cells;
    const uint32_t size_cells = parent->size_cells;
    if (!has_plain_cells(parent) || node->reg_length < 4 * (address_cells + size_cells)) {
        return;
    }
    devices_end(&reader->devices, &parent->device, &node->device,
                dtb_cells(node->reg_opt, address_cells),
                dtb_cells(node->reg_opt + 4 * (size_t)address_cells, size_cells), level == 3);
}

/* A node is complete: take what it says. */
static enum dtb_error end(struct reader *reader, uint32_t level)
{
    if (level < 2 || level >= LEVELS) {
        return DTB_OK;
    }
    struct machine *machine = reader->machine;
    const struct node *node = &reader->nodes[level];
    const struct node *parent = &reader->nodes[level - 1];
    const bool is_cpu = level == 3 && reader->section == SECTION_CPUS && node->is_cpu;
    if (node->reg_opt == NULL || (node->is_disabled && !(is_cpu && !node->has_mmu))) {
        return DTB_OK;
    }
    if (level == 2 && node->is_memory) {
        return add_reg(parent, node, &machine->memory);
    }
    if (level == 3 && reader->section == SECTION_RESERVED) {
        return add_reg(parent, node, &machine->reserved);
    }
    if (is_cpu) {
        return add_cpu(parent, node, reader);
    }
    if (reader->section == SECTION_NONE) {
        add_device(reader, level);
    }
    return DTB_OK;
}

static enum dtb_error read_tree(const struct dtb *dtb, struct reader *reader)
{
    struct dtb_cursor cursor = dtb_start(dtb);
    for (;;) {
        struct dtb_item item;
        enum dtb_error error = dtb_next(&cursor, &item);
        if (error != DTB_OK) {
            return error;
        }
        switch (item.token) {
        case DTB_NODE:
            begin(reader, cursor.depth, item.name);
            break;
        case DTB_PROPERTY:
            property(reader, cursor.depth, &item);
            break;
        case DTB_NODE_END:
            error = end(reader, cursor.depth + 1);
            if (error != DTB_OK) {
                return error;
            }
            break;
        case DTB_END:
            return DTB_OK;
        }
    }
}

enum dtb_error machine_read(const void *base, uint64_t readable, uint64_t hart_id,
                            struct machine *machine)
{
    struct dtb dtb;
    enum dtb_error error = dtb_open(base, readable, &dtb);
    if (error != DTB_OK) {
        return error;
    }
    *machine = (struct machine){.hart_count = 1, .hart_ids = {hart_id}};
    struct reader reader = {.machine = machine, .devices.items = machine->devices};
    error = read_tree(&dtb, &reader);
    if (error != DTB_OK) {
        return error;
    }
    machine->interrupts = devices_finish(&reader.devices, machine->stdout_path, reader.boot_intc);
    machine->device_count = reader.devices.count;
    uint64_t start;
    uint64_t bytes;
    for (uint32_t i = 0; dtb_reserved(&dtb, i, &start, &bytes); i++) {
        ranges_add(&machine->reserved, start, bytes);
    }
    if (machine->reserved.is_full) {
        return DTB_TOO_RESERVED;
    }
    return machine->memory.count == 0 ? DTB_NO_MEMORY : DTB_OK;
}
