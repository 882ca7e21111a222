/* SPDX-License-Identifier: MIT */
#include "boot/devices.h"

#include <stddef.h>

#include "boot/text.h"

#define SUPERVISOR_EXTERNAL 9u /* Privileged ISA 4.1.3; the cell after a hart's phandle */
#define PAIR_BYTES          8u

/* One of the texts of the value, each with its NUL. */
static bool has_text(const uint8_t *value, uint32_t length, const char *text)
{
    const size_t bytes = text_length(text) + 1;
    for (uint32_t at = 0; at + bytes <= length; at++) {
        if ((at == 0 || value[at - 1] == '\0') &&
            text_is_equal((const char *)value + at, text, bytes)) {
            return true;
        }
    }
    return false;
}

void devices_property(struct device_node *node, const struct dtb_item *item)
{
    if (text_equals(item->name, "compatible")) {
        node->compatible_opt = item->value;
        node->compatible_length = item->length;
    } else if (text_equals(item->name, "ranges")) {
        node->is_identity = item->length == 0;
    } else if (text_equals(item->name, "interrupts-extended")) {
        node->extended_opt = item->value;
        node->extended_length = item->length;
    } else if (item->length < 4) {
        return;
    } else if (text_equals(item->name, "interrupt-parent")) {
        node->parent = dtb_u32(item->value);
    } else if (text_equals(item->name, "phandle")) {
        node->phandle = dtb_u32(item->value);
    } else if (text_equals(item->name, "interrupts")) {
        node->interrupt = dtb_u32(item->value);
    } else if (text_equals(item->name, "riscv,ndev")) {
        node->lines = dtb_u32(item->value);
    }
}

void devices_child_property(struct device_node *node, const struct dtb_item *item)
{
    if (text_equals(item->name, "compatible") &&
        has_text(item->value, item->length, "mmc-spi-slot")) {
        node->has_slot = true;
    }
}

static bool is_kind(const struct device_node *node, const char *kind)
{
    return node->compatible_opt != NULL &&
           has_text(node->compatible_opt, node->compatible_length, kind);
}

void devices_end(struct devices *devices, const struct device_node *outer,
                 const struct device_node *node, uint64_t start, uint64_t bytes, bool is_deep)
{
    if (node->compatible_opt == NULL ||
        (is_deep && !(is_kind(outer, "simple-bus") && outer->is_identity))) {
        return;
    }
    if (is_kind(node, "riscv,plic0") || is_kind(node, "sifive,plic-1.0.0")) {
        devices->controller = *node;
        devices->controller_start = start;
        devices->controller_bytes = bytes;
        return;
    }
    if (devices->count == BOOT_DEVICES_MAX) {
        return;
    }
    struct boot_device *device = &devices->items[devices->count];
    *device = (struct boot_device){.start = start, .bytes = bytes, .interrupt = node->interrupt};
    device->flags = node->has_slot && is_kind(node, "sifive,spi0") ? BOOT_DEVICE_CARD : 0;
    for (uint32_t i = 0; i < BOOT_COMPATIBLE_BYTES && i < node->compatible_length &&
                         node->compatible_opt[i] != '\0';
         i++) {
        device->compatible[i] = (char)node->compatible_opt[i];
    }
    devices->parents[devices->count] = node->parent;
    devices->paths[devices->count][0] = is_deep ? outer->name : node->name;
    devices->paths[devices->count][1] = is_deep ? node->name : NULL;
    devices->count++;
}

/* `*path` goes on with '/' and the name, and then ends or goes on with more; it is moved there. */
static bool path_takes(const char **path, const char *name)
{
    const size_t length = text_length(name);
    if (**path != '/' || !text_is_equal(*path + 1, name, length)) {
        return false;
    }
    *path += 1 + length;
    return **path == '\0' || **path == '/' || **path == ':';
}

/* `path`, perhaps with options behind ':', names the device. */
static bool is_named(const char *const names[DEVICES_NAMES], const char *path)
{
    return path_takes(&path, names[0]) && (names[1] == NULL || path_takes(&path, names[1])) &&
           *path != '/';
}

/* The context that interrupts the hart with this controller in S-mode; UINT32_MAX: none. */
static uint32_t find_context(const struct device_node *controller, uint32_t intc)
{
    for (uint32_t i = 0; (i + 1) * PAIR_BYTES <= controller->extended_length; i++) {
        const uint8_t *pair = controller->extended_opt + (size_t)i * PAIR_BYTES;
        if (dtb_u32(pair) == intc && dtb_u32(pair + 4) == SUPERVISOR_EXTERNAL) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* `path` is the alias `name`, perhaps with options behind ':'. */
static bool is_alias(const char *path, const char *name)
{
    const size_t length = text_length(name);
    return text_is_equal(path, name, length) && (path[length] == '\0' || path[length] == ':');
}

struct interrupts devices_finish(struct devices *devices, const char *stdout_path,
                                 uint32_t boot_intc)
{
    const struct device_node *controller = &devices->controller;
    const uint32_t context = boot_intc == 0 ? UINT32_MAX : find_context(controller, boot_intc);
    const bool is_usable = controller->phandle != 0 && context != UINT32_MAX;
    const char *path = stdout_path;

    if (devices->alias_opt != NULL && is_alias(path, "serial0")) {
        path = devices->alias_opt;
    }
    for (uint32_t i = 0; i < devices->count; i++) {
        struct boot_device *device = &devices->items[i];
        if (!is_usable || devices->parents[i] != controller->phandle ||
            device->interrupt > controller->lines) {
            device->interrupt = 0;
        }
        device->flags |= is_named(devices->paths[i], path) ? BOOT_DEVICE_CONSOLE : 0;
    }
    return is_usable ? (struct interrupts){devices->controller_start, devices->controller_bytes,
                                           controller->lines, context}
                     : (struct interrupts){.lines = 0};
}
