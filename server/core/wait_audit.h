/* SPDX-License-Identifier: MIT */
/* Checking the lists of wait.h. */
#pragma once

struct core;

/* Check I1 and I2 of wait.h. */
void wait_audit(const struct core *core);

/* Check that a request that is over left nothing that the next one could take for its own need. */
void wait_audit_need(const struct core *core);
