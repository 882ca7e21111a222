/* SPDX-License-Identifier: MIT */
#include "irq/irq.h"

#include "irq/plic.h"

struct line {
    struct handle_slot target; /* a notification */
    uint64_t bits;             /* 0: QUIET */
    bool is_held;
};

static struct lock irq_lock;
static struct line irq_lines[IRQ_LINES] GUARDED_BY(irq_lock);

bool irq_has_line(uint64_t line)
{
    return line != 0 && line <= plic_lines() && line < IRQ_LINES;
}

static void complete(uint32_t number) REQUIRES(irq_lock)
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
    lock_take(&irq_lock);
    irq_lines[number].target = target;
    irq_lines[number].bits = bits;
    complete(number); /* the controller forgets what is completed while disabled */
    plic_enable(number, bits != 0);
    lock_release(&irq_lock);
}

void irq_done(uint64_t line)
{
    ASSERT(irq_has_line(line));
    lock_take(&irq_lock);
    complete((uint32_t)line);
    lock_release(&irq_lock);
}

void irq_take(void)
{
    for (uint32_t turns = plic_lines(); turns > 0; turns--) {
        lock_take(&irq_lock);
        const uint32_t number = plic_claim();
        struct line line = {.bits = 0};
        if (number != 0 && number < IRQ_LINES) {
            irq_lines[number].is_held = true;
            line = irq_lines[number];
        }
        lock_release(&irq_lock);
        if (number == 0) {
            return;
        }
        irq_signal(&line.target, line.bits);
    }
}
