/* SPDX-License-Identifier: MIT */
#include "irq/plic.h"

#include <stddef.h>

#include <base/assert.h>
#include <base/bits.h>
#include <riscv/direct.h>

/* PLIC specification 1.0.0, chapter 3: offsets in bytes */
#define PRIORITY(line)     (4u * (size_t)(line))
#define ENABLE(context)    (0x2000u + 0x80u * (size_t)(context))
#define THRESHOLD(context) (0x200000u + 0x1000u * (size_t)(context))
#define CLAIM(context)     (THRESHOLD(context) + 4u)

#define LINE_BITS 32u /* of one register of enables */

static volatile uint8_t *plic_base; /* these three: constant after boot */
static uint32_t plic_last;
static uint32_t plic_context;

static volatile uint32_t *reg(size_t offset)
{
    return (volatile uint32_t *)(volatile void *)(plic_base + offset);
}

void plic_init(paddr_t start, uint32_t lines, uint32_t context)
{
    plic_base = direct_from_paddr(start);
    plic_last = lines;
    plic_context = context;
    for (uint32_t line = 0; line <= lines; line += LINE_BITS) {
        *reg(ENABLE(context) + line / 8) = 0;
    }
    *reg(THRESHOLD(context)) = 0;
}

uint32_t plic_lines(void)
{
    return plic_last;
}

void plic_enable(uint32_t line, bool is_enabled)
{
    ASSERT(line != 0 && line <= plic_last);
    volatile uint32_t *enables = reg(ENABLE(plic_context) + line / LINE_BITS * 4);
    const uint32_t bit = (uint32_t)BIT(line % LINE_BITS);

    *reg(PRIORITY(line)) = is_enabled ? 1 : 0;
    *enables = is_enabled ? *enables | bit : *enables & ~bit;
}

uint32_t plic_claim(void)
{
    return *reg(CLAIM(plic_context));
}

void plic_complete(uint32_t line)
{
    *reg(CLAIM(plic_context)) = line;
}
