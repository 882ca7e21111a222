/* SPDX-License-Identifier: MIT */
/*
 * What the device tree says about devices and the interrupt controller.
 *
 * machine.c shows every property and the end of every node; what refers to nodes that may come
 * later (interrupt parents, the console's path, harts of the controller's contexts) is put together
 * when the tree has ended.
 *
 * Devices are nodes with registers below the root or a simple bus whose addresses are the root's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/dtb.h"
#include <abi/boot.h>

#define DEVICES_NAMES 2u /* of a device's path below the root */

/* The interrupt controller; lines 0: none that can be used. */
struct interrupts {
    uint64_t start;
    uint64_t bytes;
    uint32_t lines;
    uint32_t context; /* of the boot hart in S-mode */
};

/* Properties of one open node. */
struct device_node {
    const char *name;
    const uint8_t *compatible_opt;
    uint32_t compatible_length;
    uint32_t parent;             /* phandle of the interrupt parent, inherited; 0: none */
    uint32_t phandle;            /* 0: none */
    uint32_t cpu_intc;           /* of the interrupt controller that is a child of a hart */
    uint32_t interrupt;          /* the first; 0: none */
    uint32_t lines;              /* riscv,ndev */
    const uint8_t *extended_opt; /* interrupts-extended */
    uint32_t extended_length;
    bool is_identity; /* a simple bus whose children have the addresses that they say */
    bool has_slot;    /* a child of it is a slot for SD cards behind SPI */
};

struct devices {
    uint32_t count;
    struct boot_device *items; /* BOOT_DEVICES_MAX */
    uint32_t parents[BOOT_DEVICES_MAX];
    const char *paths[BOOT_DEVICES_MAX][DEVICES_NAMES]; /* into the tree; the second may be NULL */
    struct device_node controller;                      /* phandle 0: none */
    uint64_t controller_start;
    uint64_t controller_bytes;
    const char *alias_opt; /* path of serial0 */
};

/* A property of the node. */
void devices_property(struct device_node *node, const struct dtb_item *item);

/* A property of a child of the node, where children are not kept. */
void devices_child_property(struct device_node *node, const struct dtb_item *item);

/* A node with registers of its own at `start` ends, below `outer`. */
void devices_end(struct devices *devices, const struct device_node *outer,
                 const struct device_node *node, uint64_t start, uint64_t bytes, bool is_deep);

/*
 * The tree has ended: see which interrupts are the controller's, and which device the console.
 *
 * `boot_intc` is the phandle of the boot hart's interrupt controller, 0 if there is none.
 */
struct interrupts devices_finish(struct devices *devices, const char *stdout_path,
                                 uint32_t boot_intc);
