/* SPDX-License-Identifier: MIT */
#include <hf/manifest.h>

#include <stddef.h>
#include <string.h>

#include "statement.h"
#include <abi/ipc.h>

static bool is_slot_taken(const struct manifest_process *process, uint64_t slot)
{
    bool is_taken = process->devices_count > 0 &&
                    (slot == process->device_registers || slot == process->device_interrupt);
    is_taken = is_taken || slot == process->pager;
    for (uint32_t i = 0; i < process->receives_count; i++) {
        is_taken = is_taken || process->receives[i].slot == slot;
    }
    for (uint32_t i = 0; i < process->calls_count; i++) {
        is_taken = is_taken || process->calls[i].slot == slot;
    }
    return is_taken;
}

static bool take_slot(const struct reader *reader, uint32_t word, uint64_t *slot)
{
    if (!statement_take_number(reader, word, MANIFEST_SLOT_FIRST, MANIFEST_SLOT_END - 1,
                               "is no slot from 64 to 127", slot)) {
        return false;
    }
    return !is_slot_taken(reader->process, *slot) ||
           statement_refuse(reader, word, "is a slot taken twice");
}

static bool take_process(struct reader *reader)
{
    struct manifest *manifest = reader->manifest;
    if (manifest->count == MANIFEST_PROCESSES_MAX) {
        return statement_refuse(reader, STATEMENT_WORDS_MAX, "there are more than 16 processes");
    }
    struct manifest_process *process = &manifest->processes[manifest->count];
    *process = (struct manifest_process){.priority = PRIORITY_DEFAULT};
    if (!statement_take_name(reader, 1, process->name)) {
        return false;
    }
    for (uint32_t i = 0; i < manifest->count; i++) {
        if (strcmp(manifest->processes[i].name, MANIFEST_ANY) == 0) {
            return statement_refuse(reader, 1, "stands behind 'process *', which is the last");
        }
        if (strcmp(manifest->processes[i].name, process->name) == 0) {
            return statement_refuse(reader, 1, "stands there twice");
        }
    }
    if (strcmp(process->name, MANIFEST_ANY) == 0) {
        process->boot = MANIFEST_PROGRAM;
        process->is_final = true;
    }
    manifest->count++;
    reader->process = process;
    reader->statements = 0;
    return true;
}

static bool take_overcommit(struct reader *reader)
{
    static const char *const modes[] = {"never", "heuristic", "always"}; /* as they are numbered */
    struct manifest *manifest = reader->manifest;
    if (reader->process != NULL) {
        return statement_refuse(reader, 0, "does not stand before the first process");
    }
    for (uint32_t mode = 0; mode < sizeof(modes) / sizeof(modes[0]); mode++) {
        if (statement_is_word(reader->words, 1, modes[mode])) {
            manifest->overcommit = (enum manifest_overcommit)mode;
            return reader->words->count == 2 ||
                   statement_take_number(reader, 2, 1, MANIFEST_PERCENT_MAX,
                                         "is no percentage from 1 to 1000", &manifest->percent);
        }
    }
    return statement_refuse(reader, 1, "is no way to promise memory: never, heuristic or always");
}

static bool take_hugepages(struct reader *reader)
{
    struct manifest *manifest = reader->manifest;
    if (reader->process != NULL) {
        return statement_refuse(reader, 0, "does not stand before the first process");
    }
    uint64_t *pages = statement_is_word(reader->words, 1, "2M")   ? &manifest->hugepages_2m
                      : statement_is_word(reader->words, 1, "1G") ? &manifest->hugepages_1g
                                                                  : NULL;
    if (pages == NULL) {
        return statement_refuse(reader, 1, "is no size of huge pages: 2M or 1G");
    }
    if (*pages != 0) {
        return statement_refuse(reader, 1, "stands there twice");
    }
    return statement_take_number(reader, 2, 1, MANIFEST_HUGE_MAX,
                                 "is no number of pages from 1 to 65536", pages);
}

/* First of all, since other statements depend on it. */
static bool take_boot(struct reader *reader)
{
    if (reader->statements != 1) {
        return statement_refuse(reader, 0, "does not stand directly behind its process");
    }
    if (statement_is_word(reader->words, 1, "shell")) {
        reader->process->boot = MANIFEST_SHELL;
    } else if (statement_is_word(reader->words, 1, "program")) {
        reader->process->boot = MANIFEST_PROGRAM;
    } else {
        return statement_refuse(reader, 1, "is no boot: shell or program");
    }
    return strcmp(reader->process->name, MANIFEST_ANY) != 0 ||
           statement_refuse(reader, 0, "does not go with 'process *'");
}

static bool take_priority(struct reader *reader)
{
    return statement_take_number(reader, 1, 1, PRIORITY_SERVER - 1, "is no priority from 1 to 23",
                                 &reader->process->priority);
}

static bool take_budget(struct reader *reader)
{
    return statement_take_number(reader, 1, 1, UINT32_MAX, "is no number of frames from 1 on",
                                 &reader->process->budget);
}

/* One more device to choose from. */
static bool take_choice(const struct reader *reader, struct manifest_device *device)
{
    if (!statement_take_name(reader, 1, device->name)) {
        return false;
    }
    device->virtio = 0;
    char *kind = strchr(device->name, ':');
    if (kind != NULL && (!statement_read_number(kind + 1, strlen(kind + 1), &device->virtio) ||
                         device->virtio == 0 || device->virtio > UINT32_MAX)) {
        return statement_refuse(reader, 1, "names no kind of device behind the colon");
    }
    if (kind != NULL) {
        *kind = '\0';
    }
    return true;
}

static bool take_device(struct reader *reader)
{
    struct manifest_process *process = reader->process;
    uint64_t registers = 0;
    uint64_t interrupt = 0;
    if (process->devices_count > 0) {
        return statement_refuse(reader, 1, "is the second device of the process");
    }
    if (!take_slot(reader, 2, &registers) || !take_slot(reader, 3, &interrupt)) {
        return false;
    }
    if (registers == interrupt) {
        return statement_refuse(reader, 3, "is a slot taken twice");
    }
    if (!take_choice(reader, &process->devices[0])) {
        return false;
    }
    process->devices_count = 1;
    process->device_registers = registers;
    process->device_interrupt = interrupt;
    return true;
}

static bool take_or(struct reader *reader)
{
    struct manifest_process *process = reader->process;
    if (process->devices_count == 0) {
        return statement_refuse(reader, 0, "does not stand behind a device");
    }
    if (process->devices_count == MANIFEST_DEVICES_MAX) {
        return statement_refuse(reader, 0, "stands more than 3 times at a process");
    }
    if (!take_choice(reader, &process->devices[process->devices_count])) {
        return false;
    }
    process->devices_count++;
    return true;
}

/* Whether a process receives at the endpoint of this name; `*boot`: when it is started. */
static bool has_receiver(const struct manifest *manifest, const char *name,
                         enum manifest_boot *boot)
{
    for (uint32_t i = 0; i < manifest->count; i++) {
        const struct manifest_process *process = &manifest->processes[i];
        for (uint32_t k = 0; k < process->receives_count; k++) {
            if (strcmp(process->receives[k].name, name) == 0) {
                *boot = process->boot;
                return true;
            }
        }
    }
    return false;
}

static bool take_receive(struct reader *reader)
{
    struct manifest_process *process = reader->process;
    struct manifest_handle handle;
    enum manifest_boot boot;
    if (process->receives_count == MANIFEST_ENTRIES_MAX) {
        return statement_refuse(reader, 0, "stands more than 8 times at a process");
    }
    if (!statement_take_name(reader, 1, handle.name) || !take_slot(reader, 2, &handle.slot)) {
        return false;
    }
    if (has_receiver(reader->manifest, handle.name, &boot)) {
        return statement_refuse(reader, 1, "has a process that receives there already");
    }
    process->receives[process->receives_count++] = handle;
    return true;
}

static bool take_pager(struct reader *reader)
{
    uint64_t slot = 0;
    if (reader->process->pager != 0) {
        return statement_refuse(reader, 0, "stands twice at a process");
    }
    if (!take_slot(reader, 1, &slot)) {
        return false;
    }
    reader->process->pager = slot;
    return reader->words->count == 2 ||
           statement_take_number(reader, 2, 1, MANIFEST_RESERVE_MAX,
                                 "is no number of frames from 1 to 4096",
                                 &reader->process->reserve);
}

static bool has_promised_slot(const char *name)
{
    return strcmp(name, "console") == 0 || strcmp(name, "names") == 0 || strcmp(name, "files") == 0;
}

static bool take_call(struct reader *reader)
{
    struct manifest_process *process = reader->process;
    struct manifest_handle handle = {.slot = 0};
    enum manifest_boot boot = MANIFEST_ALWAYS;
    if (process->calls_count == MANIFEST_ENTRIES_MAX) {
        return statement_refuse(reader, 0, "stands more than 8 times at a process");
    }
    if (!statement_take_name(reader, 1, handle.name)) {
        return false;
    }
    if (!has_receiver(reader->manifest, handle.name, &boot)) {
        return statement_refuse(reader, 1,
                                "is an endpoint at which no process before this one receives");
    }
    if (boot != MANIFEST_ALWAYS && boot != process->boot) {
        return statement_refuse(reader, 1,
                                "is an endpoint of a process that is not there in every boot");
    }
    for (uint32_t i = 0; i < process->calls_count; i++) {
        if (strcmp(process->calls[i].name, handle.name) == 0) {
            return statement_refuse(reader, 1, "stands there twice");
        }
    }
    if (has_promised_slot(handle.name) != (reader->words->count == 2)) {
        return statement_refuse(reader, 1, "needs a slot, or has one promised to it");
    }
    if (reader->words->count == 3 && !take_slot(reader, 2, &handle.slot)) {
        return false;
    }
    process->calls[process->calls_count++] = handle;
    return true;
}

static bool take_machine(struct reader *reader)
{
    reader->process->has_machine = true;
    return true;
}

static bool take_log(struct reader *reader)
{
    reader->process->is_system_log = true;
    return statement_is_word(reader->words, 1, "system") ||
           statement_refuse(reader, 1, "is no log: system");
}

static bool take_may(struct reader *reader)
{
    static const struct {
        const char *name;
        uint32_t may;
    } privileges[] = {
        {"lock", MANIFEST_MAY_LOCK},         {"low", MANIFEST_MAY_LOW},
        {"look", MANIFEST_MAY_LOOK},         {"dma", MANIFEST_MAY_DMA},
        {"physical", MANIFEST_MAY_PHYSICAL}, {"kill", MANIFEST_MAY_KILL},
        {"swap", MANIFEST_MAY_SWAP},         {"mount", MANIFEST_MAY_MOUNT},
    };
    for (uint32_t word = 1; word < reader->words->count; word++) {
        uint32_t may = 0;
        for (size_t i = 0; i < sizeof(privileges) / sizeof(privileges[0]); i++) {
            may |=
                statement_is_word(reader->words, word, privileges[i].name) ? privileges[i].may : 0;
        }
        if (may == 0) {
            return statement_refuse(reader, word,
                                    "is no privilege: lock, low, look, dma, physical, kill, swap "
                                    "or mount");
        }
        reader->process->may |= may;
    }
    return true;
}

static bool take_listed(const struct reader *reader, struct manifest_list *list)
{
    if (list->count == MANIFEST_ENTRIES_MAX) {
        return statement_refuse(reader, 0, "stands more than 8 times at a process");
    }
    char *name = list->names[list->count];
    if (!statement_take_name(reader, 1, name)) {
        return false;
    }
    const char *star = strchr(name, '*');
    if (star != NULL && star[1] != '\0') {
        return statement_refuse(reader, 1, "has a star that is not at its end");
    }
    list->count++;
    return true;
}

static bool take_find(struct reader *reader)
{
    return take_listed(reader, &reader->process->finds);
}

static bool take_serve(struct reader *reader)
{
    return take_listed(reader, &reader->process->serves);
}

static bool take_restarts(struct reader *reader)
{
    return statement_take_number(reader, 1, 1, MANIFEST_RESTARTS_MAX, "is no number from 1 to 100",
                                 &reader->process->restarts);
}

static bool take_optional(struct reader *reader)
{
    reader->process->is_optional = true;
    return true;
}

static bool take_final(struct reader *reader)
{
    reader->process->is_final = true;
    return true;
}

static const struct {
    const char *word;
    uint32_t words_min; /* with the statement's own */
    uint32_t words_max;
    bool (*take)(struct reader *reader);
} statements[] = {
    {"overcommit", 2, 3, take_overcommit},
    {"hugepages", 3, 3, take_hugepages},
    {"process", 2, 2, take_process},
    {"boot", 2, 2, take_boot},
    {"priority", 2, 2, take_priority},
    {"budget", 2, 2, take_budget},
    {"device", 4, 4, take_device},
    {"or", 2, 2, take_or},
    {"receive", 3, 3, take_receive},
    {"pager", 2, 3, take_pager},
    {"call", 2, 3, take_call},
    {"machine", 1, 1, take_machine},
    {"log", 2, 2, take_log},
    {"may", 2, 7, take_may},
    {"find", 2, 2, take_find},
    {"serve", 2, 2, take_serve},
    {"restarts", 2, 2, take_restarts},
    {"final", 1, 1, take_final},
    {"optional", 1, 1, take_optional},
};

static bool take_statement(struct reader *reader)
{
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        if (!statement_is_word(reader->words, 0, statements[i].word)) {
            continue;
        }
        if (reader->process == NULL && statements[i].take != take_process &&
            statements[i].take != take_overcommit && statements[i].take != take_hugepages) {
            return statement_refuse(reader, 0, "stands before the first process");
        }
        if (reader->words->count < statements[i].words_min ||
            reader->words->count > statements[i].words_max) {
            return statement_refuse(reader, 0, "has too few or too many words behind it");
        }
        reader->statements++;
        return statements[i].take(reader);
    }
    return statement_refuse(reader, 0, "is no statement");
}

/* What no single line shows. */
static bool check_whole(const struct reader *reader)
{
    uint32_t finals = 0;
    for (uint32_t i = 0; i < reader->manifest->count; i++) {
        const struct manifest_process *process = &reader->manifest->processes[i];
        const bool is_named = strcmp(process->name, MANIFEST_ANY) == 0;
        finals += process->is_final && process->boot == MANIFEST_SHELL ? 1 : 0;
        if (process->is_final && process->boot != MANIFEST_SHELL && !is_named) {
            return statement_refuse(reader, STATEMENT_WORDS_MAX,
                                    "a process that is final needs 'boot shell'");
        }
        if (process->is_final && process->restarts != 0) {
            return statement_refuse(reader, STATEMENT_WORDS_MAX,
                                    "a process that is final has no restarts");
        }
        if (process->reserve != 0 && (process->may & MANIFEST_MAY_SWAP) == 0) {
            return statement_refuse(reader, STATEMENT_WORDS_MAX,
                                    "a process with frames of its own needs 'may swap'");
        }
        if (process->is_optional && process->devices_count == 0) {
            return statement_refuse(reader, STATEMENT_WORDS_MAX,
                                    "a process that is optional needs a device");
        }
    }
    return finals == 1 || statement_refuse(reader, STATEMENT_WORDS_MAX,
                                           "one process of 'boot shell' is to be final");
}

bool manifest_parse(const char *text, uint64_t bytes, struct manifest *manifest,
                    struct manifest_error *error)
{
    struct words words = {.count = 0};
    struct reader reader = {.manifest = manifest, .error = error, .words = &words};
    uint64_t at = 0;

    manifest->overcommit = MANIFEST_NEVER;
    manifest->percent = 100;
    manifest->hugepages_2m = 0;
    manifest->hugepages_1g = 0;
    manifest->count = 0;
    *error = (struct manifest_error){.line = 0, .reason = ""};
    while (at < bytes) {
        const char *newline = memchr(text + at, '\n', bytes - at);
        const size_t length = newline != NULL ? (size_t)(newline - (text + at)) : bytes - at;
        error->line++;
        const char *wrong = statement_split(text + at, length, &words);
        if (wrong != NULL) {
            return statement_refuse(&reader, STATEMENT_WORDS_MAX, wrong);
        }
        if (words.count > 0 && !take_statement(&reader)) {
            return false;
        }
        at += length + 1;
    }
    return check_whole(&reader);
}

bool manifest_is_for(const struct manifest_process *process, bool has_program)
{
    return process->boot == MANIFEST_ALWAYS ||
           process->boot == (has_program ? MANIFEST_PROGRAM : MANIFEST_SHELL);
}

bool manifest_grants(const struct manifest_list *list, const char *name)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const char *granted = list->names[i];
        const size_t length = strlen(granted);
        if (granted[length - 1] == '*' ? strncmp(granted, name, length - 1) == 0
                                       : strcmp(granted, name) == 0) {
            return true;
        }
    }
    return false;
}
