/* SPDX-License-Identifier: MIT */
#include "controller.h"

#include <base/assert.h>
#include <riscv/csr.h>

#include "irq/plic.h"

static struct {
    bool is_raised;
    bool is_enabled;
    bool is_claimed;
} controller_lines[CONTROLLER_LINES + 1];

void controller_start(void)
{
    for (uint32_t line = 0; line <= CONTROLLER_LINES; line++) {
        controller_lines[line].is_raised = false;
        controller_lines[line].is_enabled = false;
        controller_lines[line].is_claimed = false;
    }
}

void controller_raise(uint32_t line, bool is_raised)
{
    controller_lines[line].is_raised = is_raised;
}

bool controller_is_claimed(uint32_t line)
{
    return controller_lines[line].is_claimed;
}

/* The lowest line that interrupts; 0: none. */
static uint32_t find_pending(void)
{
    for (uint32_t line = 1; line <= CONTROLLER_LINES; line++) {
        if (controller_lines[line].is_raised && controller_lines[line].is_enabled &&
            !controller_lines[line].is_claimed) {
            return line;
        }
    }
    return 0;
}

uint64_t csr_read_sip(void)
{
    return find_pending() != 0 ? SIE_EXTERNAL : 0;
}

uint32_t plic_lines(void)
{
    return CONTROLLER_LINES;
}

void plic_enable(uint32_t line, bool is_enabled)
{
    ASSERT(line != 0 && line <= CONTROLLER_LINES);
    controller_lines[line].is_enabled = is_enabled;
}

uint32_t plic_claim(void)
{
    const uint32_t line = find_pending();

    controller_lines[line].is_claimed = line != 0;
    return line;
}

void plic_complete(uint32_t line)
{
    /* As the specification has it: without the enable the completion is ignored. */
    if (controller_lines[line].is_enabled) {
        controller_lines[line].is_claimed = false;
    }
}
