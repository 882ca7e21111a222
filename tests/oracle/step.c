/* SPDX-License-Identifier: MIT */
/*
 * Steps as text.
 */
#include "step.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mem/prot.h>

static const struct {
    const char *name;
    uint32_t arguments;
} ops[STEP_OPS] = {
#define STEP(name, function, arguments, summary) {#function, arguments},
#include "step.def"
#undef STEP
};

static const struct {
    const char *name;
    uint32_t argument;
    size_t offset;
} arguments[] = {
    {"addr", ARG_ADDR, offsetof(struct step, addr)},
    {"length", ARG_LENGTH, offsetof(struct step, length)},
    {"size", ARG_SIZE, offsetof(struct step, size)},
    {"target", ARG_TARGET, offsetof(struct step, target)},
    {"offset", ARG_OFFSET, offsetof(struct step, offset)},
    {"prot", ARG_PROT, offsetof(struct step, prot)},
    {"flags", ARG_FLAGS, offsetof(struct step, flags)},
    {"value", ARG_VALUE, offsetof(struct step, value)},
    {"object", ARG_OBJECT, offsetof(struct step, object)},
    {"rights", ARG_RIGHTS, offsetof(struct step, rights)},
    {"who", ARG_WHO, offsetof(struct step, who)},
};
#define ARGUMENTS (sizeof(arguments) / sizeof(arguments[0]))

/* Arguments that are printed only if they are not 0. */
#define RARE_ARGUMENTS (ARG_OBJECT | ARG_RIGHTS | ARG_WHO)

static uint64_t argument_get(const struct step *step, size_t which)
{
    uint64_t word;

    memcpy(&word, (const char *)step + arguments[which].offset, sizeof(word));
    return word;
}

const char *step_name(uint32_t op)
{
    return op < STEP_OPS ? ops[op].name : "?";
}

void step_print(const struct step *step, char text[STEP_TEXT_MAX])
{
    int used = snprintf(text, STEP_TEXT_MAX, "%s", step_name(step->op));

    for (size_t i = 0; i < ARGUMENTS; i++) {
        bool is_rare = (arguments[i].argument & RARE_ARGUMENTS) != 0;
        if (((ops[step->op].arguments | ARG_WHO) & arguments[i].argument) != 0 &&
            (!is_rare || argument_get(step, i) != 0)) {
            used += snprintf(text + used, STEP_TEXT_MAX - (size_t)used, " %s=0x%" PRIx64,
                             arguments[i].name, argument_get(step, i));
        }
    }
}

/* Read one `name=number`. Returns: whether it is an argument. */
static bool argument_parse(const char *word, struct step *step)
{
    const char *equals = strchr(word, '=');
    char *end;

    if (equals == NULL) {
        return false;
    }
    for (size_t i = 0; i < ARGUMENTS; i++) {
        if (strlen(arguments[i].name) == (size_t)(equals - word) &&
            strncmp(arguments[i].name, word, (size_t)(equals - word)) == 0) {
            uint64_t value = strtoull(equals + 1, &end, 0);
            memcpy((char *)step + arguments[i].offset, &value, sizeof(value));
            return end != equals + 1 && *end == '\0';
        }
    }
    return false;
}

bool step_parse(const char *text, struct step *step)
{
    char copy[STEP_TEXT_MAX];
    char *rest;

    if (strlen(text) >= sizeof(copy)) {
        return false;
    }
    strcpy(copy, text);
    char *word = strtok_r(copy, " \t\n", &rest);
    if (word == NULL) {
        return false;
    }
    *step = (struct step){.op = STEP_OPS};
    for (uint32_t op = 0; op < STEP_OPS; op++) {
        if (strcmp(ops[op].name, word) == 0) {
            step->op = op;
        }
    }
    if (step->op == STEP_OPS) {
        return false;
    }
    while ((word = strtok_r(NULL, " \t\n", &rest)) != NULL) {
        if (!argument_parse(word, step)) {
            return false;
        }
    }
    return true;
}

bool step_can_batch(const struct step *step)
{
    switch ((enum step_op)step->op) {
    case STEP_MAP:
        return step->object == 0;
    case STEP_UNMAP:
    case STEP_PROTECT:
    case STEP_UNLOCK:
        return true;
    case STEP_REMAP:
        return step->flags == 0;
    case STEP_ADVISE:
        return step->value != MEM_ADVISE_POPULATE_READ &&
               step->value != MEM_ADVISE_POPULATE_WRITE && step->value != MEM_ADVISE_REMOVE;
    case STEP_LOCK:
        return step->flags == MEM_LOCK_ONFAULT;
    case STEP_READ:
    case STEP_WRITE:
    case STEP_EXEC:
    case STEP_LIMIT:
    case STEP_LOCK_ALL:
    case STEP_UNLOCK_ALL:
    case STEP_INCORE:
    case STEP_SYNC:
    case STEP_OBJECT:
    case STEP_CLOSE:
    case STEP_RESIZE:
    case STEP_SEAL:
    case STEP_GET:
    case STEP_PUT:
    case STEP_NAME:
    case STEP_OPEN:
    case STEP_UNNAME:
    case STEP_CLONE:
    case STEP_BATCH:
    case STEP_OPS:
        break;
    }
    return false;
}

uint32_t step_members(const struct step *batch, uint32_t left)
{
    uint64_t most = batch->length < STEP_BATCH_MAX ? batch->length : STEP_BATCH_MAX;
    uint32_t count = 0;

    while (count < most && count < left && step_can_batch(&batch[1 + count])) {
        count++;
    }
    return count;
}
