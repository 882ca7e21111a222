/* SPDX-License-Identifier: MIT */
/*
 * FU540-C000 (HiFive Unleashed): the clock of core and UART.
 *
 * After SPL the core runs on the crystal, 33.33 MHz, and the UART divides the clock that it would
 * have from the PLL. Order: U-Boot 2025.01, drivers/clk/sifive/sifive-prci.c, set_rate and enable;
 * it drains no UART, since it prints nothing meanwhile.
 */
#include "clock.h"

/* SiFive UART: FU540-C000 manual, chapter 13; U-Boot 2025.01, drivers/serial/serial_sifive.c. */
#define UART_CONTROL      2u
#define UART_PENDING      5u
#define UART_DIVISOR      6u
#define UART_WATERMARK    0x10000u /* one entry */
#define UART_WATERMARKS   0x70000u
#define UART_PENDING_SENT 1u
#define UART_DIVISOR_BITS 0xffffu

/* On the crystal, rounded down; the UART has half of it (chapter 7: tlclk). */
#define CRYSTAL_MHZ    33u
#define CORE_TO_UART   2u
#define CHARACTER_BITS 12u

/*
 * Let the UART send what it has: its clock is about to change.
 *
 * That its queue is empty can be seen, but not that the last character is out: it has just been
 * taken from there. The time that takes is waited for, as Linux does (drivers/tty/serial/sifive.c,
 * sifive_serial_clk_notifier, from where the number of bits is).
 */
static void fu540_drain(struct board_registers registers)
{
    volatile uint32_t *uart = registers.uart;
    const uint32_t control = uart[UART_CONTROL];
    const uint32_t bit_cycles = ((uart[UART_DIVISOR] & UART_DIVISOR_BITS) + 1) * CORE_TO_UART;

    uart[UART_CONTROL] = (control & ~UART_WATERMARKS) | UART_WATERMARK;
    (void)clock_await(&uart[UART_PENDING], UART_PENDING_SENT);
    uart[UART_CONTROL] = control;
    registers.wait_us(CHARACTER_BITS * bit_cycles / CRYSTAL_MHZ + 1);
}

bool fu540_raise_clock(const struct board *board, struct board_registers registers)
{
    fu540_drain(registers);
    if (!clock_use_core_pll(registers.clock, board->pll)) {
        return false;
    }
    /* Its clock is half the core's (FU540-C000 manual, chapter 7: tlclk). */
    registers.uart[UART_DIVISOR] = board->uart_divisor;
    return true;
}
