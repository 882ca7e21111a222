/* SPDX-License-Identifier: MIT */
#include "irq/irq.h"

#include "irq/plic.h"

struct line {
    struct handle_slot target; /* a notification */
    uint64_t bits;             /* 0: QUIET */
    bool is_held;
};

static struct line irq_lines[IRQ_LINES];

bool irq_has_line(uint64_t line)
{
    return line != 0 && line <= plic_lines() && line < IRQ_LINES;
}

static void complete(uint32_t number)
{
    if (irq_lines[number].is_held) {
        irq_lines[number].is_held = false;
        plic_complete(number);
    }
}

void irq_bind(uint64_t line, struct handle_slot target, uint64_t bits)
{
    const uint32_t number = (uint32_t)line;

    ASSERT(irq_has_line(line));
    irq_lines[number].target = target;
    irq_lines[number].bits = bits;
    complete(number); /* the controller forgets what is completed while disabled */
    plic_enable(number, bits != 0);
}

void irq_done(uint64_t line)
{
    ASSERT(irq_has_line(line));
    complete((uint32_t)line);
}

void irq_take(void)
{
    for (uint32_t turns = plic_lines(); turns > 0; turns--) {
        const uint32_t number = plic_claim();
        if (number == 0) {
            return;
        }
        if (number < IRQ_LINES) {
            irq_lines[number].is_held = true;
            irq_signal(&irq_lines[number].target, irq_lines[number].bits);
        }
    }
}
