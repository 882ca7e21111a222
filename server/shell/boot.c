/* SPDX-License-Identifier: MIT */
#include "server/shell/boot.h"

#include <stddef.h>

#include <abi/ipc.h>
#include <abi/layout.h>
#include <abi/map.h>
#include <base/assert.h>
#include <base/bits.h>
#include <mem/prot.h>

#include "server/core/number.h"
#include "server/shell/client.h"
#include "server/shell/device.h"
#include "server/shell/ecall.h"
#include "server/shell/halt.h"
#include "server/shell/memory.h"
#include "server/shell/workers.h"

STATIC_ASSERT(BOOT_RANGES_MAX <= POOL_RANGES, "core can be given all ranges");

/* How old what nobody SYNCs gets before it is saved (core: writeback.h). */
#define WRITEBACK_SECONDS 5u

/* Init gives priorities to its children; the server runs before all of them. */
#define INIT_PRIORITY_MAX (PRIORITY_SERVER - 1)

/* By so much more than one in so many frames, and at least so much, init may be charged. */
#define BUDGET_SLACK_SHARE 16u
#define BUDGET_SLACK_LEAST 64u

static void check(enum err error, const char *step)
{
    if (error != ERR_OK) {
        halt_boot(step);
    }
}

static void start_core(const struct boot_info *info, struct shell *shell)
{
    struct core_range ranges[BOOT_RANGES_MAX];

    for (uint32_t i = 0; i < info->free_count; i++) {
        ranges[i] = (struct core_range){pfn_from_number(info->free[i].pfn),
                                        (npages_t){info->free[i].pages}};
    }
    const struct core_boot boot = {
        .arena = (void *)(uintptr_t)PORT_ARENA_START,
        .port = &shell->port,
        .ranges = ranges,
        .range_count = info->free_count,
        .lowest = pfn_from_number(info->frames_start),
        .end = pfn_from_number(info->frames_end),
        .commit_mode = COMMIT_NEVER,
        .fault_ahead = FAULT_AHEAD_DEFAULT,
        .writeback_age = WRITEBACK_SECONDS * info->timebase_hz,
        .commit_limit = 0,
        .thread_numbers =
            (uint32_t)(info->thread_numbers < NUMBER_END ? info->thread_numbers : NUMBER_END),
        .thread_first = workers_numbers(info),
    };
    check(core_init(&boot, &shell->core), "too few free frames");
}

static uint64_t info_number(enum info which)
{
    const struct result result = ecall_three(SYS_INFO, HANDLE_NONE, which, 0, 0);

    ASSERT(result.error == ERR_OK);
    return result.words[0];
}

static void make_head(const struct boot_info *info, struct shell *shell)
{
    const uint32_t page = arena_page_take(&shell->core);

    check(page != 0 ? ERR_OK : ERR_NOMEM, "no frame for the shell's state");
    shell->core.head->shell_page = page;
    shell->head = arena_page(&shell->core, page);
    *shell->head = (struct shell_head){
        .magic = SHELL_MAGIC,
        .random = info->seed | 1, /* a state of zero would stay zero */
        .archive_bytes = info->archive_bytes,
        .frames_total = info_number(INFO_FRAMES),
        .timebase_hz = info->timebase_hz,
        .timer = UINT64_MAX,
        .workers = workers_count(info),
    };
    client_init(&shell->core);
}

static void take_archive(const struct boot_info *info, struct shell *shell)
{
    struct object *archive;

    if (info->archive.pages == 0) {
        return;
    }
    check(object_make_wired(&shell->core, pfn_from_number(info->archive.pfn),
                            (npages_t){info->archive.pages}, &archive),
          "no frame for the boot archive's record");
    shell->head->archive = archive->number;
}

/* Tables of init's space, taken from the row of frames in the order of abi/boot.h. */
struct table_row {
    uint64_t next;
    uint64_t end;
};

static pfn_t take_table(struct table_row *row)
{
    check(row->next < row->end ? ERR_OK : ERR_INVAL, "init's page tables do not fit its segments");
    return pfn_from_number(row->next++);
}

/* Name the tables that cover the segments, which ascend and do not overlap. */
static void adopt_tables(const struct boot_info *info, struct shell *shell, struct space *space)
{
    /* Behind the root and the two tables of the window. */
    struct table_row row = {info->init_tables.pfn + 3,
                            info->init_tables.pfn + info->init_tables.pages};
    uint64_t vpn = 0; /* what the tables so far cover ends here */
    uint64_t giga_end = 0;

    for (uint32_t i = 0; i < info->init_segment_count; i++) {
        const struct boot_segment *segment = &info->init_segments[i];
        const uint64_t end = segment->vpn + segment->pages;
        uint64_t at = bits_align_down(segment->vpn, PAGES_PER_MEGA);

        for (at = at < vpn ? vpn : at; at < end; at += PAGES_PER_MEGA) {
            if (at >= giga_end) {
                giga_end = bits_align_down(at, PAGES_PER_GIGA) + PAGES_PER_GIGA;
                check(space_adopt_table(&shell->core, space, 1, (vpn_t){at}, take_table(&row)),
                      "no frame for init's tables");
            }
            check(space_adopt_table(&shell->core, space, 0, (vpn_t){at}, take_table(&row)),
                  "no frame for init's tables");
            vpn = at + PAGES_PER_MEGA;
        }
    }
    check(row.next == row.end ? ERR_OK : ERR_INVAL, "init has page tables without segments");
}

/*
 * A segment stands in the kernel; make it a region. Its frames are there for good, so init's writes
 * stay in them.
 */
static void adopt_segment(struct shell *shell, struct space *space,
                          const struct boot_segment *segment)
{
    struct object *object;
    uaddr_t address;

    check(object_make_wired(&shell->core, pfn_from_number(segment->pfn), (npages_t){segment->pages},
                            &object),
          "no frame for init's segments");
    const struct map_request request = {
        .address = vpn_to_uaddr((vpn_t){segment->vpn}),
        .length = segment->pages * PAGE_SIZE,
        .prot = segment->prot,
        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED | MEM_MAP_POPULATE,
        .object = object,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_EXEC | MAP_RIGHT_MAPPABLE,
    };
    check(op_map(&shell->core, space, &request, &address), "init's segments cannot be regions");
    object_put(&shell->core, object);
}

static void take_init(const struct boot_info *info, struct shell *shell)
{
    static const char name[CLIENT_NAME_BYTES] = "init";
    struct space_settings settings = shell_settings(shell, INIT_PRIORITY_MAX, SPACE_PRIVILEGES);
    struct space *space;
    struct thread *thread;

    /*
     * All that there is to hand down, and as much besides as may be charged without being taken:
     * shares of records, reserves. What there is too little of is frames: for these reclaim can do
     * something.
     */
    settings.frames_max = pool_free(&shell->core) / BUDGET_SLACK_SHARE * (BUDGET_SLACK_SHARE + 1) +
                          BUDGET_SLACK_LEAST;
    check(space_adopt(&shell->core, &settings, pfn_from_number(info->init_space_pfn),
                      BOOT_INIT_BADGE, &space),
          "no frame for init's space");
    shell->head->init = space->number;
    check(client_make(shell, NULL, name, space), "no frame for init's record");
    adopt_tables(info, shell, space);
    for (uint32_t i = 0; i < info->init_segment_count; i++) {
        adopt_segment(shell, space, &info->init_segments[i]);
    }
    check(thread_adopt(&shell->core, space, BOOT_INIT_THREAD, 0,
                       pfn_from_number(info->init_thread_pfn), &thread),
          "no frame for init's thread");
}

void boot_start(const struct boot_info *info, void *message, struct shell *shells)
{
    struct shell *shell = &shells[0];

    check(info->version == BOOT_INFO_VERSION && info->bytes == sizeof(*info) &&
                  info->free_count <= BOOT_RANGES_MAX &&
                  info->init_segment_count <= BOOT_SEGMENTS_MAX &&
                  info->thread_numbers > BOOT_INIT_THREAD
              ? ERR_OK
              : ERR_INVAL,
          "the kernel's boot information is of another version");
    workers_begin(info, message, shell);
    start_core(info, shell);
    make_head(info, shell);
    take_archive(info, shell);
    check(device_take(shell, info), "no frame for the devices' records");
    check(workers_make(info, shells), "no frame for the server's threads");
    take_init(info, shell);
    core_settle(&shell->core);
    port_flush(&shell->port);
    workers_start(shells);
}
