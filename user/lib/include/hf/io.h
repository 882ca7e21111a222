/* SPDX-License-Identifier: MIT */
/*
 * Registers of devices of 32 bits, in order with memory that devices reach too.
 *
 * A write of a register is seen after what was written to memory before it, and what is read from
 * memory after a read of a register is not older than that (RISC-V unprivileged ISA, 2.7: w, r are
 * memory, i, o devices).
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

/*
 * Map the first page of a device's registers, which `object` is; they begin at byte `offset` of it.
 * They stay mapped. Returns: ERR_OK, and where they are; what MAP refuses.
 */
MUST_USE enum err hf_io_map(uint64_t object, uint64_t offset, volatile void **registers);

ALWAYS_INLINE uint32_t hf_io_read(const volatile uint32_t *from)
{
    const uint32_t value = *from;
    __asm__ volatile("fence i, ir" : : : "memory"); /* the compiler keeps the order too */
    return value;
}

ALWAYS_INLINE void hf_io_write(volatile uint32_t *to, uint32_t value)
{
    __asm__ volatile("fence w, o" : : : "memory"); /* likewise */
    *to = value;
}
