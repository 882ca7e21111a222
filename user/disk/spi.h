/* SPDX-License-Identifier: MIT */
/*
 * The SPI controller of SiFive (FU540-C000 manual, chapter 19), to whose first select line a card
 * is wired. It is looked at, not waited for: eight bytes take a few microseconds.
 *
 * Owner: the driver's only thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sd_wire.h"

struct spi {
    volatile uint32_t *registers;
    uint32_t fast_divisor;
};

/* Whether it is such a controller that has this name in the device tree. */
bool spi_has_name(const char *compatible);

/*
 * Set the controller up, and fill in the port of a card behind it, but for its times. The clock
 * that goes into the controller is known by its name: `compatible`.
 */
void spi_init(struct spi *spi, const char *compatible, volatile uint32_t *registers,
              struct sd_port *port);
