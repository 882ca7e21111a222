/* SPDX-License-Identifier: MIT */
/*
 * Printing and reading sequences.
 */
#include "sequence.h"

#include <inttypes.h>
#include <string.h>

void sequence_print(const struct sequence *sequence, const char *prefix)
{
    const struct zone *zones = sequence->room.zones;
    char text[STEP_TEXT_MAX];

    printf("%sroom", prefix);
    for (unsigned i = 0; i < STAGE_ZONES; i++) {
        printf(" 0x%" PRIx32 " 0x%" PRIx32, zones[i].first, zones[i].end);
    }
    printf(" %s", sequence->is_privileged != 0 ? "root" : "nobody");
    if (sequence->spare != SLOT_NOT_CROWDED) {
        printf(" spare 0x%" PRIx32, sequence->spare);
    }
    printf("\n");
    for (uint32_t i = 0; i < sequence->steps; i++) {
        step_print(&sequence->step[i], text);
        printf("%s%s\n", prefix, text);
    }
}

static bool room_parse(const char *line, struct sequence *sequence)
{
    struct zone *zones = sequence->room.zones;
    char who[8];

    int used = 0;

    if (sscanf(line, "room%n", &used) != 0 || used == 0) {
        return false;
    }
    for (unsigned i = 0; i < STAGE_ZONES; i++) {
        int more = 0;
        if (sscanf(line + used, "%" SCNx32 " %" SCNx32 "%n", &zones[i].first, &zones[i].end,
                   &more) != 2) {
            return false;
        }
        used += more;
    }
    sequence->spare = SLOT_NOT_CROWDED;
    if (sscanf(line + used, "%7s spare %" SCNx32, who, &sequence->spare) < 1) {
        return false;
    }
    sequence->is_privileged = strcmp(who, "root") == 0;
    return sequence->is_privileged != 0 || strcmp(who, "nobody") == 0;
}

unsigned sequence_read(FILE *file, struct sequence *sequence)
{
    char line[STEP_TEXT_MAX];
    bool has_room = false;

    memset(sequence, 0, sizeof(*sequence));
    for (unsigned number = 1; fgets(line, sizeof(line), file) != NULL; number++) {
        if (line[0] == '#' || line[strspn(line, " \t\n")] == '\0') {
            continue;
        }
        if (!has_room) {
            if (!room_parse(line, sequence)) {
                return number;
            }
            has_room = true;
            continue;
        }
        if (sequence->steps == SLOT_STEPS || !step_parse(line, &sequence->step[sequence->steps])) {
            return number;
        }
        sequence->steps++;
    }
    return has_room ? 0 : 1;
}

void sequence_cut(struct sequence *sequence, uint32_t index)
{
    const struct step *step = &sequence->step[index];
    uint32_t left = sequence->steps - index - 1;

    sequence->steps = index + 1 + (step->op == STEP_BATCH ? step_members(step, left) : 0);
}
