/* SPDX-License-Identifier: MIT */
#include "boot/build.h"

#include "boot/boot.h"
#include "debug/panic.h"
#include "mm/aspace.h"
#include "mm/fill.h"
#include "mm/page.h"
#include "riscv/direct.h"
#include "task/slab.h"
#include "task/space.h"
#include <abi/layout.h>
#include <base/bits.h>

STATIC_ASSERT(IMAGE_SEGMENTS_MAX <= BOOT_SEGMENTS_MAX, "every segment can be told");

/* Take frames in a row, still FREE in the frame table. */
static pfn_t take_frames(struct boot *boot, uint64_t pages)
{
    uint64_t start;
    if (!ranges_take(&boot->free, pages << PAGE_SHIFT, PAGE_SIZE, &start)) {
        panic("too little RAM for the memory server and init");
    }
    return paddr_to_pfn((paddr_t){start});
}

/* Take one frame for a kernel object of the kind. */
static void *take_object(struct boot *boot, enum object_kind kind) REQUIRES(memory_lock)
{
    const pfn_t pfn = take_frames(boot, 1);
    frame_take(pfn, FRAME_OBJECT, kind);
    return frame_address(pfn);
}

void *build_take_kernel(struct boot *boot, uint64_t pages)
{
    const pfn_t pfn = take_frames(boot, pages);
    frame_fill(pfn, (npages_t){pages}, FRAME_KERNEL);
    boot->frames_kernel += pages;
    page_clear(frame_address(pfn), pages << PAGE_SHIFT);
    return frame_address(pfn);
}

/*
 * One entry that cannot be refused; an interrupt has to wait until there is somebody to serve it.
 */
static void apply(struct aspace *aspace, struct map_entry entry) REQUIRES(memory_lock)
{
    struct map_progress progress = {0, 0};
    enum err error;
    do {
        error = aspace_apply(aspace, &entry, 1, &progress);
        if (fill_is_open()) {
            fill_finish();
        }
    } while (error == ERR_INTR);
    ASSERT(error == ERR_OK);
}

/* The row of tables that a space needs, in order; aspace NULL: only counted. */
struct row {
    struct aspace *aspace;
    uint64_t first;
    uint64_t count;
};

static void add_table(struct row *row, unsigned level, uint64_t page, uint64_t flags)
    REQUIRES(memory_lock)
{
    if (row->aspace != NULL) {
        apply(row->aspace, (struct map_entry){
                               map_where(page, 1),
                               map_what(MAP_TABLE, row->first + row->count, level, flags),
                           });
    }
    row->count++;
}

/*
 * The tables behind the root: those of the window, then for each new GiB one, for each new 2 MiB
 * one.
 */
static void add_tables(struct row *row, const struct image_header *header) REQUIRES(memory_lock)
{
    uint64_t mega_end = 0; /* what the tables so far cover */
    uint64_t giga_end = 0;
    add_table(row, 1, 0, MAP_IN_WINDOW);
    add_table(row, 0, 0, MAP_IN_WINDOW);
    for (uint32_t i = 0; i < header->segment_count; i++) {
        const struct image_segment *segment = &header->segments[i];
        const uint64_t end = (segment->va + segment->memory_bytes + PAGE_MASK) >> PAGE_SHIFT;
        uint64_t page = bits_align_down(segment->va >> PAGE_SHIFT, PAGES_PER_MEGA);
        for (page = page < mega_end ? mega_end : page; page < end; page += PAGES_PER_MEGA) {
            if (page >= giga_end) {
                add_table(row, 1, page, 0);
                giga_end = bits_align_down(page, PAGES_PER_GIGA) + PAGES_PER_GIGA;
            }
            add_table(row, 0, page, 0);
            mega_end = page + PAGES_PER_MEGA;
        }
    }
}

static void build_tables(struct boot *boot, const struct image_header *header, struct build *build)
    REQUIRES(memory_lock)
{
    struct row row = {.aspace = NULL};
    add_tables(&row, header);
    const uint64_t pages = row.count + 1;
    const pfn_t root = take_frames(boot, pages);
    frame_take(root, FRAME_TABLE, TABLE_ROOT);
    aspace_init(&build->space->aspace, root, build->is_server);
    build->tables = (struct boot_range){pfn_to_number(root), pages};
    row = (struct row){.aspace = &build->space->aspace, .first = build->tables.pfn + 1};
    add_tables(&row, header);
    ASSERT(row.count + 1 == pages);
}

/* Fill frames with a segment's bytes and zeros behind them: whole pages fast, since most are. */
static void fill_segment(uint8_t *to, const uint8_t *from, uint64_t file_bytes, uint64_t bytes)
{
    uint64_t done = 0;
    if (((uintptr_t)from & 7) == 0) {
        for (; file_bytes - done >= PAGE_SIZE; done += PAGE_SIZE) {
            page_copy(to + done, from + done);
        }
    }
    page_move(to + done, from + done, file_bytes - done);
    page_clear(to + file_bytes, bytes - file_bytes);
}

static void build_segment(struct boot *boot, const struct archive_file *file,
                          const struct image_segment *segment, struct build *build)
    REQUIRES(memory_lock)
{
    const uint64_t pages = (segment->memory_bytes + PAGE_MASK) >> PAGE_SHIFT;
    const uint64_t page = segment->va >> PAGE_SHIFT;
    const pfn_t pfn = take_frames(boot, pages);
    fill_segment(frame_address(pfn), file->bytes + segment->file_offset, segment->file_bytes,
                 pages << PAGE_SHIFT);
    /* The server's frames pass as zeroed ones: nothing of anybody else's is in them any longer. */
    frame_fill(pfn, (npages_t){pages}, build->is_server ? FRAME_CLEAN : FRAME_USER);
    const enum map_op op = build->is_server ? MAP_INSTALL_SERVER : MAP_INSTALL;
    apply(&build->space->aspace, (struct map_entry){
                                     map_where(page, pages),
                                     map_what(op, pfn_to_number(pfn), segment->prot, 0),
                                 });
    build->segments[build->segment_count++] = (struct boot_segment){
        .vpn = page, .pages = pages, .pfn = pfn_to_number(pfn), .prot = segment->prot};
    build->image_end = (page + pages) << PAGE_SHIFT;
}

void build_space(struct boot *boot, const struct archive_file *file, uint64_t priority_max,
                 struct build *build)
{
    struct image_header header;
    if (!archive_read_image(file, &header)) {
        panic(build->is_server ? "boot/server is not an image that can be started"
                               : "boot/init is not an image that can be started");
    }
    build->space = take_object(boot, OBJECT_SPACE);
    build_tables(boot, &header, build);
    for (uint32_t i = 0; i < header.segment_count; i++) {
        build_segment(boot, file, &header.segments[i], build);
    }
    build->entry = header.entry;
    space_init(build->space, take_object(boot, OBJECT_HANDLES), build->badge, priority_max);
}

void build_thread(struct boot *boot, struct build *build, const struct build *server,
                  uint32_t priority)
{
    struct thread *thread = take_object(boot, OBJECT_THREAD);
    const pfn_t message = take_frames(boot, 1);
    frame_take(message, FRAME_MESSAGE, 0);
    aspace_map_message(&build->space->aspace, 0, message);
    if (build != server) {
        aspace_map_message(&server->space->aspace, build->number, message);
    }
    thread_init(thread, build->space, build->number, frame_address(message), 0, priority);
    thread->x[REG_PC] = build->entry;
    thread->x[REG_A0] = WINDOW_START;
    build->thread = thread;
}

void build_slab(struct boot *boot, struct build *build)
{
    struct cell *slab = take_object(boot, OBJECT_ENDPOINT);
    if (slab_add(build->space, slab) != ERR_OK) {
        UNREACHABLE();
    }
}
