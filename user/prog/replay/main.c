/* SPDX-License-Identifier: MIT */
/*
 * replay FILE: live the recorded life of a program's address space as a client of this system.
 *
 * The format of FILE is described in user/traces/README.md, the exit statuses in complain.h.
 */
#include <stdio.h>

#include "replay.h"
#include "report.h"
#include "touch.h"
#include "trace.h"

static enum outcome main_replay(const struct trace *trace)
{
    struct replay replay;
    enum outcome outcome = replay_init(&replay, trace);

    if (outcome == OUTCOME_OK) {
        outcome = replay_run(&replay);
    }
    if (outcome == OUTCOME_OK) {
        report_print(&replay);
        report_print_system(&replay);
        outcome = report_check_regions(&replay);
    }
    if (outcome == OUTCOME_OK) {
        outcome = touch_check_all(&replay);
    }
    if (outcome == OUTCOME_OK) {
        (void)printf("written pages verified: %lu\n", (unsigned long)replay.patterns.verified);
    }
    replay_fini(&replay);
    return outcome;
}

int main(int argc, char **argv)
{
    struct trace trace;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: replay FILE\n");
        return OUTCOME_USAGE;
    }
    enum outcome outcome = trace_load(argv[1], &trace);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    outcome = main_replay(&trace);
    trace_fini(&trace);
    return outcome;
}
