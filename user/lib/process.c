/* SPDX-License-Identifier: MIT */
/*
 * A new process, built from outside: the parent maps the regions in the child's space, has the
 * memory server copy the bytes there, and starts the thread last. Until then the child can be
 * dropped whole.
 */
#include <hf/process.h>

#include <stdio.h>
#include <string.h>

#include "elf.h"
#include "startup.h"
#include <abi/layout.h>
#include <base/bits.h>
#include <hf/archive.h>
#include <hf/auxv.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/mutex.h>
#include <hf/shared.h>

#define NAME_BYTES_MAX    256
#define AUX_COUNT         13
#define STACK_GUARD_BYTES HF_PAGE_BYTES
/* Where a stack that grows begins, and how far below the end of the space it may. */
#define STACK_BYTES_FIRST  UINT64_C(131072)
#define STACK_RANDOM_PAGES 4096

/* Held while a process is prepared: guards the two below. */
static struct hf_mutex prepare_lock;
/* The start structure while it is built, and bytes on their way; too large for a stack. */
static char start_buffer[HF_START_BYTES_MAX];

static uint64_t page_down(uint64_t address)
{
    return bits_align_down(address, HF_PAGE_BYTES);
}

static uint64_t page_up(uint64_t address)
{
    return bits_align_down(address + HF_PAGE_BYTES - 1, HF_PAGE_BYTES);
}

enum err hf_program_find(const char *name, struct hf_program *program)
{
    const struct hf_archive archive = {hf_env()->archive_opt, hf_env()->archive_bytes};
    if (hf_env()->archive_opt == NULL) {
        return ERR_NOENT;
    }
    struct hf_archive_file file;
    char in_bin[NAME_BYTES_MAX];
    enum hf_archive_result result = HF_ARCHIVE_END;
    if ((size_t)snprintf(in_bin, sizeof(in_bin), "bin/%s", name) < sizeof(in_bin)) {
        result = hf_archive_find(&archive, in_bin, &file);
    }
    if (result == HF_ARCHIVE_END || result == HF_ARCHIVE_FOLDER) {
        result = hf_archive_find(&archive, name, &file);
    }
    switch (result) {
    case HF_ARCHIVE_FOUND:
        *program = (struct hf_program){
            .name = file.name,
            .file = file.data,
            .head_bytes = file.bytes,
            .file_bytes = file.bytes,
            .object = hf_env()->archive_object,
            .object_offset = (uint64_t)(file.data - (const char *)archive.data),
        };
        return ERR_OK;
    case HF_ARCHIVE_END:
    case HF_ARCHIVE_FOLDER:
        return ERR_NOENT;
    case HF_ARCHIVE_BROKEN:
        return ERR_IO;
    }
    return ERR_IO;
}

/* Copy into the child; a short copy is an error. */
static enum err child_write(uint64_t space, uint64_t to, const void *from, uint64_t bytes)
{
    uint64_t copied = 0;
    enum err error = hf_copy(space, (uint64_t)from, to, bytes, MEM_COPY_TO, &copied);
    return error == ERR_OK && copied != bytes ? ERR_FAULT : error;
}

/*
 * Whether a segment can be mapped: its bytes lie on pages of the object as they are to lie in the
 * space, and only one that may be written to has zeros behind them. What else is on its first and
 * last page is seen with it.
 */
static bool segment_can_map(const struct hf_program *program, const struct elf_segment *segment)
{
    return program->object != 0 && segment->file_bytes != 0 &&
           (program->object_offset + segment->file_offset) % HF_PAGE_BYTES ==
               segment->va % HF_PAGE_BYTES &&
           (segment->file_bytes == segment->memory_bytes || (segment->prot & MEM_PROT_WRITE) != 0);
}

/* A private region of the child: of an object, or anonymous. */
static enum err region_make(uint64_t space, uint64_t start, uint64_t end, uint32_t prot,
                            uint64_t object, uint64_t offset)
{
    const struct hf_map map = {
        .space = space,
        .addr = start,
        .length = end - start,
        .prot = prot,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_FIXED_NOREPLACE |
                 (object == HF_NO_OBJECT ? MEM_MAP_ANONYMOUS : 0),
        .object = object,
        .offset = offset,
    };
    uint64_t mapped = 0;
    return hf_map(map, &mapped);
}

/*
 * Map the pages that have the bytes of a segment, and zeros behind them: the rest of the last one,
 * which becomes the child's own by that, and pages of their own.
 */
static enum err segment_map(const struct hf_program *program, uint64_t space,
                            const struct elf_segment *segment)
{
    static const char zeros[HF_PAGE_BYTES];
    const uint64_t start = page_down(segment->va);
    const uint64_t bytes_end = segment->va + segment->file_bytes;
    const uint64_t file_end = page_up(bytes_end);
    const uint64_t end = page_up(segment->va + segment->memory_bytes);
    enum err error = region_make(space, start, file_end, segment->prot, program->object,
                                 page_down(program->object_offset + segment->file_offset));
    if (error == ERR_OK && segment->memory_bytes != segment->file_bytes && bytes_end != file_end) {
        error = child_write(space, bytes_end, zeros, file_end - bytes_end);
    }
    if (error == ERR_OK && end != file_end) {
        error = region_make(space, file_end, end, segment->prot, HF_NO_OBJECT, 0);
    }
    return error;
}

/* Copy the bytes of a segment into the child. */
static enum err segment_copy(const struct hf_program *program, uint64_t space,
                             const struct elf_segment *segment)
{
    enum err error = ERR_OK;
    uint64_t copied = 0;
    if (program->object == 0) {
        return child_write(space, segment->va, (const char *)program->file + segment->file_offset,
                           segment->file_bytes);
    }
    for (uint64_t done = 0; done < segment->file_bytes && error == ERR_OK; done += copied) {
        const uint64_t left = segment->file_bytes - done;
        const uint64_t part = left < sizeof(start_buffer) ? left : sizeof(start_buffer);
        error = hf_shared_copy(program->object, (uint64_t)start_buffer,
                               program->object_offset + segment->file_offset + done, part,
                               MEM_COPY_FROM, &copied);
        if (error == ERR_OK && copied == 0) {
            error = ERR_NOEXEC; /* the file has become shorter */
        }
        if (error == ERR_OK) {
            error = child_write(space, segment->va + done, start_buffer, copied);
        }
    }
    return error;
}

static enum err segment_load(const struct hf_program *program, uint64_t space,
                             const struct elf_segment *segment)
{
    if (segment_can_map(program, segment)) {
        return segment_map(program, space, segment);
    }
    const uint32_t prot = MEM_PROT_READ | MEM_PROT_WRITE;
    const uint64_t start = page_down(segment->va);
    const uint64_t end = page_up(segment->va + segment->memory_bytes);
    enum err error = region_make(space, start, end, prot, HF_NO_OBJECT, 0);
    if (error == ERR_OK) {
        error = segment_copy(program, space, segment);
    }
    if (error == ERR_OK && segment->prot != prot) {
        error = hf_protect(space, start, end - start, segment->prot);
    }
    return error;
}

/* Random bytes for a child: its parent's and a counter, stirred by multiplication and shifts. */
static uint64_t random_next(uint64_t from)
{
    static uint64_t count;
    count++;
    uint64_t word = from + count * UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < 3; i++) {
        word ^= word >> 29;
        word *= UINT64_C(0xd6e8feb86659fd93);
    }
    return word ^ word >> 32;
}

/* A stack of so many bytes with a guard page below, somewhere. */
static enum err stack_make_whole(uint64_t space, uint64_t bytes, uint64_t *top)
{
    const struct hf_map map = {
        .space = space,
        .length = STACK_GUARD_BYTES + bytes,
        .prot = MEM_PROT_NONE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_NORESERVE | MEM_MAP_STACK,
    };
    uint64_t guard = 0;
    enum err error = hf_map(map, &guard);
    if (error == ERR_OK) {
        error = hf_protect(space, guard + STACK_GUARD_BYTES, bytes, MEM_PROT_READ | MEM_PROT_WRITE);
    }
    *top = guard + STACK_GUARD_BYTES + bytes;
    return error;
}

/*
 * A stack that grows, at the end of the space, where the memory server leaves room for it: what it
 * may grow to is promised to it only when it does, so that small machines can start programs too.
 */
static enum err stack_make_growing(uint64_t space, uint64_t *top)
{
    const uint64_t pages = random_next(hf_env()->random[0]) % STACK_RANDOM_PAGES;
    *top = USER_END - pages * HF_PAGE_BYTES;
    const struct hf_map map = {
        .space = space,
        .addr = *top - STACK_BYTES_FIRST,
        .length = STACK_BYTES_FIRST,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_STACK | MEM_MAP_GROWSDOWN |
                 MEM_MAP_FIXED_NOREPLACE,
    };
    uint64_t bottom = 0;
    return hf_map(map, &bottom);
}

/* Map the boot archive and give the handle to its object; a parent that has none gives none. */
static enum err archive_pass(const struct hf_process *process, uint64_t *address)
{
    const struct hf_env *env = hf_env();
    *address = 0;
    if (env->archive_object == 0) {
        return ERR_OK;
    }
    const struct hf_map map = {
        .space = process->space,
        .length = env->archive_bytes,
        .prot = MEM_PROT_READ,
        .flags = MEM_MAP_PRIVATE,
        .object = env->archive_object,
    };
    enum err error = hf_map(map, address);
    uint64_t slot = HANDLE_ARCHIVE;
    if (error == ERR_OK) {
        error = hf_handle_give(process->kernel_space, env->archive_object,
                               RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE, slot, &slot);
    }
    return error;
}

/* Build the start structure and copy it to the stack that ends at `top`. */
static enum err start_write(const struct hf_program *program, const struct hf_process *process,
                            const struct elf_image *image, uint64_t archive, uint64_t message_page,
                            uint64_t top, struct hf_start *start)
{
    const struct hf_env *env = hf_env();
    const struct startup_aux aux[AUX_COUNT] = {
        {HF_AT_PHDR, image->headers_va},
        {HF_AT_PHENT, 56},
        {HF_AT_PHNUM, image->headers_va != 0 ? image->headers_count : 0},
        {HF_AT_PAGESZ, HF_PAGE_BYTES},
        {HF_AT_ENTRY, image->entry},
        {HF_AT_MESSAGE_PAGE, message_page},
        {HF_AT_SPACE_ID, process->space_id},
        {HF_AT_TIMEBASE, env->timebase_hz},
        {HF_AT_ARCHIVE_BYTES, archive != 0 ? env->archive_bytes : 0},
        {HF_AT_ARCHIVE_OBJECT, archive != 0 ? HANDLE_ARCHIVE : 0},
        {HF_AT_CONSOLE, program->console != 0 || env->console != 0 ? HANDLE_CONSOLE : 0},
        {HF_AT_NAMES, program->names != 0 || env->names != 0 ? HANDLE_NAMES : 0},
        {HF_AT_FILES, program->files != 0 || env->files != 0 ? HANDLE_FILES : 0},
    };
    struct startup_aux all[AUX_COUNT + 1];
    memcpy(all, aux, sizeof(aux));
    all[AUX_COUNT] = (struct startup_aux){HF_AT_ARCHIVE, archive};
    const struct startup startup = {
        .name = program->name,
        .argv = program->argv,
        .envp = program->envp,
        .aux = all,
        .aux_count = AUX_COUNT + 1,
        .random = {random_next(env->random[0]), random_next(env->random[1])},
    };
    uint64_t sp = 0;
    if (!startup_build(&startup, top, start_buffer, sizeof(start_buffer), &sp)) {
        return ERR_TOO_BIG;
    }
    *start = (struct hf_start){.pc = image->entry, .sp = sp};
    return child_write(process->space, sp, start_buffer, top - sp);
}

/* Give the log, under the child's number where it has no other yet, so that readers know who. */
static enum err log_pass(const struct hf_program *program, const struct hf_process *process)
{
    const uint64_t rights = RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DERIVE;
    uint64_t named = 0;
    uint64_t slot = HANDLE_LOG;
    if (program->is_launcher ||
        hf_handle_derive(HANDLE_LOG, rights, process->space_id, 0, &named) != ERR_OK) {
        return hf_handle_give(process->kernel_space, HANDLE_LOG, rights, slot, &slot);
    }
    enum err error = hf_handle_give(process->kernel_space, named, rights, slot, &slot);
    (void)hf_handle_close(named);
    return error;
}

/* Give a copy of an endpoint's handle, if there is one, in the slot promised to it. */
static enum err endpoint_pass(const struct hf_process *process, uint64_t handle, uint64_t slot)
{
    if (handle == HANDLE_NONE) {
        return ERR_OK;
    }
    return hf_handle_give(process->kernel_space, handle, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE,
                          slot, &slot);
}

/* Give the log, the console, the name service and the file system. */
static enum err services_pass(const struct hf_program *program, const struct hf_process *process)
{
    const struct hf_env *env = hf_env();
    const uint64_t console = program->console != 0 ? program->console : env->console;
    const uint64_t names = program->names != 0 ? program->names : env->names;
    const uint64_t files = program->files != 0 ? program->files : env->files;
    enum err error = log_pass(program, process);
    if (error == ERR_OK) {
        error = endpoint_pass(process, console, HANDLE_CONSOLE);
    }
    if (error == ERR_OK) {
        error = endpoint_pass(process, names, HANDLE_NAMES);
    }
    if (error == ERR_OK) {
        error = endpoint_pass(process, files, HANDLE_FILES);
    }
    return error;
}

static uint64_t program_priority(const struct hf_program *program)
{
    return program->priority != 0 ? program->priority : PRIORITY_DEFAULT;
}

/* Fill the empty space of `process`; `why` names the step that failed. */
static enum err process_fill(const struct hf_program *program, const struct elf_image *image,
                             struct hf_process *process, struct hf_start *start, const char **why)
{
    *why = "its segments could not be loaded";
    enum err error = ERR_OK;
    for (uint32_t i = 0; i < image->segments_count && error == ERR_OK; i++) {
        error = segment_load(program, process->space, &image->segments[i]);
    }
    if (error != ERR_OK) {
        return error;
    }
    *why = "its stack could not be made";
    uint64_t top = 0;
    error = program->stack_bytes != 0
                ? stack_make_whole(process->space, page_up(program->stack_bytes), &top)
                : stack_make_growing(process->space, &top);
    if (error != ERR_OK) {
        return error;
    }
    *why = "the boot archive could not be passed on";
    uint64_t archive = 0;
    error = archive_pass(process, &archive);
    if (error != ERR_OK) {
        return error;
    }
    *why = "log, console, names and files could not be passed on";
    error = services_pass(program, process);
    if (error != ERR_OK) {
        return error;
    }
    *why = "its thread could not be made";
    struct mem_thread_make_rep thread;
    error = hf_thread_make(process->space, program_priority(program), &thread);
    if (error != ERR_OK) {
        return error;
    }
    process->thread = thread.thread;
    *why = "its arguments could not be passed on";
    return start_write(program, process, image, archive, thread.message_page, top, start);
}

enum err hf_process_prepare(const struct hf_program *program, struct hf_process *process,
                            struct hf_start *start, const char **why)
{
    struct elf_image image;
    if (!elf_parse(program->file, program->head_bytes, program->file_bytes, &image, why)) {
        return ERR_NOEXEC;
    }
    *why = "its space could not be made";
    struct mem_space_make_rep space;
    enum err error = hf_space_make_privileged(
        program->name, program->frames_max, program_priority(program), program->privileges, &space);
    if (error != ERR_OK) {
        return error;
    }
    struct hf_process child = {
        .space = space.space,
        .kernel_space = space.kernel_space,
        .space_id = space.space_id,
    };
    hf_mutex_lock(&prepare_lock);
    error = process_fill(program, &image, &child, start, why);
    hf_mutex_unlock(&prepare_lock);
    if (error != ERR_OK) {
        hf_process_forget(&child);
        return error;
    }
    *process = child;
    return ERR_OK;
}

enum err hf_process_go(const struct hf_process *process, const struct hf_start *start)
{
    return hf_thread_start(process->thread, start);
}

enum err hf_process_start(const struct hf_program *program, struct hf_process *process,
                          const char **why)
{
    struct hf_start start;
    enum err error = hf_process_prepare(program, process, &start, why);
    if (error != ERR_OK) {
        return error;
    }
    *why = "its thread could not be started";
    error = hf_process_go(process, &start);
    if (error != ERR_OK) {
        hf_process_forget(process);
    }
    return error;
}

enum err hf_process_wait(const struct hf_process *process, struct mem_next_rep *end)
{
    struct mem_next_rep next;
    do {
        enum err error = hf_next(0, &next);
        if (error != ERR_OK) {
            return error;
        }
    } while (next.space_id != process->space_id);
    *end = next;
    return ERR_OK;
}

void hf_process_forget(const struct hf_process *process)
{
    /* Once to end it, once more to forget that it has ended; errors say that it is gone already. */
    (void)hf_space_end(process->space, 0);
    (void)hf_space_end(process->space, 0);
    (void)hf_handle_close(process->space);
    (void)hf_handle_close(process->kernel_space);
    if (process->thread != HANDLE_NONE) {
        (void)hf_handle_close(process->thread);
    }
}
