/* SPDX-License-Identifier: MIT */
/*
 * Clients, a pager and core by chance: threads touch, map, lock, copy, pin and sync what a pager
 * fills, which answers late, in part, twice, wrongly, or never, ends and is replaced; time passes,
 * threads end, clones and strangers come, pin and end (others.h), the server is started again.
 *
 * After every step all invariants are checked, no thread is forgotten, and what is read is what was
 * written or supplied last. A schedule is a row of random words; one that fails is run again in a
 * child with ever fewer of them, and what is left is printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <base/assert.h>
#include <mem/prot.h>
#include <tap.h>

#include "others.h"
#include "stall.h"

#include "server/core/paged.h"

#define SCHEDULES 10000u
#define STEPS     20u
#define PAGES     10u
#define WORKS     8u

struct schedule {
    uint64_t words[STEPS];
    bool is_left_out[STEPS];
};

/* What the pager was given and has not forgotten, and what the pages hold. */
static struct pager_work works[WORKS];
static uint64_t truth[PAGES];
static uint64_t stored[PAGES];
static uint64_t writes;

/* What happened in all schedules. */
struct sums {
    struct wait_counts waits;
    struct other_counts others;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Who reads sees what is there. Private copies and other memory have words of their own. */
static void check_touch(const struct thread *thread, uint32_t page, uint32_t access, uint64_t word)
{
    const struct space *space = arena_page(stall_core(), thread->space);
    const struct region *region = tree_find(stall_core(), &space->tree, page);

    if (region->object == 0 || (region->flags & REGION_SHARED) == 0) {
        return;
    }
    const uint64_t number = region_kind_at(region, page).offset;

    if (access == MEM_PROT_WRITE) {
        truth[number] = word;
    } else {
        ASSERT(word == truth[number]);
    }
}

/* A thread that does not wait; NULL: the one that was drawn does, or has ended. */
static struct thread *idle_thread(uint64_t draw)
{
    struct thread *thread = stall.threads[draw % STALL_THREADS];

    return thread != NULL && patient_answer(&stall.patient, thread)->is_there ? thread : NULL;
}

static void step_client(uint64_t draw)
{
    struct thread *thread = idle_thread(draw >> 8);
    const uint64_t page = AT + (draw >> 16) % PAGES;
    const uint64_t pages = 1 + (draw >> 24) % 4;

    if (thread == NULL) {
        return;
    }
    const uint64_t number = stall.object_number;
    const uint64_t asks[][WAIT_WORDS] = {
        {ASK_TOUCH, page, MEM_PROT_READ},
        {ASK_TOUCH, page, MEM_PROT_READ},
        {ASK_TOUCH, page, MEM_PROT_WRITE, ++writes},
        {ASK_TOUCH, page, MEM_PROT_WRITE, ++writes},
        {ASK_MAP, TO, pages, MEM_PROT_READ | MEM_PROT_WRITE},
        {ASK_MAP_OBJECT, page, 1, MEM_PROT_READ | MEM_PROT_WRITE, MEM_MAP_SHARED, number,
         page - AT},
        {ASK_MAP_OBJECT, page, 1, MEM_PROT_READ, MEM_MAP_SHARED | MEM_MAP_POPULATE, number,
         page - AT},
        {ASK_MAP_OBJECT, TO, pages, MEM_PROT_READ | MEM_PROT_WRITE,
         MEM_MAP_PRIVATE | MEM_MAP_POPULATE, number, (page - AT) % 4},
        {ASK_UNMAP, page, 1},
        {ASK_UNMAP, TO, pages},
        {ASK_PROTECT, page, 1, MEM_PROT_READ},
        {ASK_ADVISE, AT, pages, MEM_ADVISE_SEQUENTIAL},
        {ASK_ADVISE, AT, pages, MEM_ADVISE_DONTNEED},
        {ASK_ADVISE, AT, pages, MEM_ADVISE_POPULATE_READ},
        {ASK_ADVISE, AT, pages, MEM_ADVISE_PAGEOUT},
        {ASK_LOCK, AT, pages},
        {ASK_SYNC, AT, PAGES},
        {ASK_SYNC, AT, PAGES},
        {ASK_COPY, TO, page, 1},
        {ASK_READ_OBJECT, TO, number, (page - AT) % 4, pages},
        {ASK_PIN, page, pages, MEM_PIN_GET},
        {ASK_PIN, page, pages, MEM_PIN_GET | MEM_PIN_MAY_DROP | (draw >> 32 & MEM_PIN_WRITE)},
        {ASK_PIN, AT, PAGES, MEM_PIN_GET | (draw >> 32 & (MEM_PIN_MAY_DROP | MEM_PIN_NOWAIT))},
        {ASK_PIN, page, pages, draw >> 32 & (MEM_PIN_MAY_DROP | MEM_PIN_WRITE)},
        {ASK_PIN, page, pages, MEM_PIN_GET, others_number(draw >> 32)},
        {ASK_UNPIN, stall_core()->head->pins.number - (draw >> 32) % 4},
    };

    (void)patient_ask(&stall.patient, thread, asks[draw % (sizeof asks / sizeof asks[0])]);
}

/* The pager takes work and remembers it in the place of some other. */
static void step_next(uint64_t draw)
{
    struct pager_work *work = &works[draw % WORKS];

    if (stall_next(work) != ERR_OK) {
        *work = (struct pager_work){0};
    }
}

/* What is being saved is read, as it is at this moment, and becomes what is stored. */
static void save(const struct pager_work *work, uint64_t first, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        const uint64_t page = work->first + first + i;
        const enum paged_state state =
            paged_word_state(paged_word(stall_core(), stall.object, page));

        if (state == PAGED_SAVING) {
            stored[page] = truth[page];
        }
    }
}

static void step_answer(uint64_t draw)
{
    struct pager_work *work = &works[(draw >> 8) % WORKS];
    const uint64_t first = work->pages == 0 ? 0 : (draw >> 16) % work->pages;
    const uint64_t pages = 1 + (draw >> 24) % 4;
    const bool is_part = (draw >> 32 & 1) != 0 && first + pages <= work->pages;
    const uint64_t part = is_part ? first : 0; /* of what was saved */
    const uint64_t width = is_part ? pages : work->pages;
    struct pager_work wrong = *work;
    enum err error = ERR_OK;

    if (work->kind == 0) {
        return;
    }
    for (uint64_t page = work->first; page < work->first + work->pages; page++) {
        EXPECT_U64(world_write(stall.patient.world, stall.server, FROM + (uint32_t)page,
                               stored[page % PAGES]),
                   FAULT_READY);
    }
    switch (draw % 10) {
    case 0:
    case 1:
        error = stall_supply_raw(work, first, pages, SUPPLY_COPY);
        break;
    case 2:
        error = stall_supply_raw(work, first, pages, SUPPLY_MOVE);
        break;
    case 3:
    case 4:
        error = stall_supply_raw(work, 0, work->pages, draw % 2 == 0 ? SUPPLY_MOVE : SUPPLY_COPY);
        break;
    case 5:
        error = stall_fail(work, first, pages, ERR_IO);
        break;
    case 6:
        wrong.generation ^= UINT64_C(1) << (draw >> 32) % 64;
        error = stall_supply_raw(&wrong, first, pages, SUPPLY_ZERO);
        ASSERT(error == ERR_STALE);
        break;
    case 7:
        if (stall.object != NULL && work->kind == PAGER_WORK_SAVE) {
            save(work, part, width);
        }
        error = stall_wrote_part(work, part, width, ERR_OK);
        break;
    case 8:
        error = stall_wrote_part(work, part, width, ERR_IO);
        break;
    default:
        *work = (struct pager_work){0}; /* never to be answered */
        break;
    }
    ASSERT(error != ERR_WAIT && error != ERR_TYPE && error != ERR_PERM);
}

static void step_resize(uint64_t draw)
{
    const uint64_t pages = (draw >> 8) % (PAGES + 1);

    EXPECT_ERR(op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE,
                                pages * PAGE_SIZE),
               ERR_OK);
    for (uint64_t page = pages; page < PAGES; page++) {
        truth[page] = stored[page];
    }
    EXPECT_ERR(op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE,
                                PAGES * PAGE_SIZE),
               ERR_OK);
    patient_go_on(&stall.patient);
}

static void adopt(void)
{
    struct object *object = NULL;

    EXPECT_ERR(op_pager_adopt(stall_core(), stall.server, stall.named, UINT64_MAX, &object),
               ERR_OK);
    op_pager_adopted(stall_core(), object);
}

/* The pager ends, and another process attaches at once or after a while. */
static void step_replace(uint64_t draw)
{
    stall_end_server();
    memset(works, 0, sizeof works);
    if (draw >> 8 & 1) {
        patient_pass(&stall.patient, (draw >> 16) % STALL_PATIENCE);
    }
    stall_attach();
    /* It has what the other had, or comes to it later. */
    if (draw >> 9 & 1) {
        adopt();
    }
}

static void step_end_thread(uint64_t draw)
{
    struct thread **thread = &stall.threads[draw % STALL_THREADS];

    if (*thread != NULL) {
        thread_end(stall_core(), *thread);
        *thread = patient_thread(&stall.patient, stall.client);
        stall.thread_numbers[draw % STALL_THREADS] = (*thread)->number;
        patient_go_on(&stall.patient);
    }
}

static void step_restart(void)
{
    stall_restart();
    others_find_again();
    memset(works, 0, sizeof works);
}

static void step(uint64_t draw, struct sums *sums)
{
    const uint64_t rest = draw >> 8;

    switch (draw % 64) {
    case 0:
        step_replace(rest);
        break;
    case 1:
        step_restart();
        break;
    case 2:
    case 3:
        step_end_thread(rest);
        break;
    case 4:
    case 5:
        step_resize(rest);
        break;
    case 6:
    case 7:
    case 8:
        patient_pass(&stall.patient, rest % STALL_PATIENCE);
        break;
    default:
        if (draw % 64 < 15) {
            others_step(rest, &sums->others);
        } else if (draw % 64 < 26) {
            step_next(rest);
        } else if (draw % 64 < 40) {
            step_answer(rest);
        } else {
            step_client(rest);
        }
        break;
    }
}

/* Pins that are being made: one for each thread that waits for that. */
static void check_pins(void)
{
    uint32_t making = 0;
    uint32_t makers = 0;

    for (uint32_t link = stall.client->pin_first; link != 0;
         link = pin_at(stall_core(), link)->next) {
        making += pin_at(stall_core(), link)->state == PIN_MAKING ? 1 : 0;
    }
    for (unsigned i = 0; i < STALL_THREADS; i++) {
        makers += stall.threads[i]->wait.making != 0 ? 1 : 0;
    }
    ASSERT(making == makers);
}

/* No thread is forgotten: it waits in some list, or was answered. */
static void check(void)
{
    check_pins();
    others_check();
    world_audit(stall.patient.world);
    ASSERT(stall_core()->head->pagers.ready.first == 0);
    for (unsigned i = 0; i < STALL_THREADS; i++) {
        const struct thread *thread = stall.threads[i];

        ASSERT(thread->wait.state == WAIT_NONE ||
               !patient_answer(&stall.patient, thread)->is_there);
        ASSERT(thread->wait.state != WAIT_NONE || patient_answer(&stall.patient, thread)->is_there);
    }
}

static void add(struct wait_counts *all, const struct wait_counts *one)
{
    all->first += one->first;
    all->second += one->second;
    all->queued += one->queued;
    all->timeouts += one->timeouts;
    all->joined += one->joined;
    all->saves += one->saves;
    all->stale += one->stale;
}

/* Run a schedule, to the very end of its world. Ends the process if something is wrong. */
static void run(const struct schedule *schedule, struct sums *sums)
{
    stall_start_waiting(PAGES, 4);
    others_start(PAGES);
    stall.patient.touched = check_touch;
    memset(works, 0, sizeof works);
    for (uint64_t page = 0; page < PAGES; page++) {
        stored[page] = stall_word(page);
        truth[page] = stall_word(page);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        if (!schedule->is_left_out[i]) {
            step(schedule->words[i], sums);
            check();
        }
    }
    /* With time, everybody is answered. */
    for (unsigned i = 0; i < 20; i++) {
        patient_pass(&stall.patient, STALL_PATIENCE);
    }
    for (unsigned i = 0; i < STALL_THREADS; i++) {
        ASSERT(patient_answer(&stall.patient, stall.threads[i])->is_there);
    }
    ASSERT(others_are_answered());
    add(&sums->waits, &stall_core()->head->pagers.count);
    stall_finish();
}

/* Whether it fails, tried in a child. */
static bool fails(const struct schedule *schedule)
{
    const pid_t pid = fork();
    struct sums sums = {.waits = {0}};
    int status = 0;

    ASSERT(pid >= 0);
    if (pid == 0) {
        FILE *quiet = freopen("/dev/null", "w", stderr);
        ASSERT(quiet != NULL);
        quiet = freopen("/dev/null", "w", stdout);
        ASSERT(quiet != NULL);
        run(schedule, &sums);
        _exit(0);
    }
    ASSERT(waitpid(pid, &status, 0) == pid);
    return status != 0;
}

/* Leave out what is not needed for the failure, and print what is left. */
static void shrink(struct schedule *schedule, uint64_t seed)
{
    for (unsigned width = STEPS / 2; width > 0; width /= 2) {
        for (unsigned first = 0; first < STEPS; first += width) {
            struct schedule tried = *schedule;

            for (unsigned i = first; i < first + width && i < STEPS; i++) {
                tried.is_left_out[i] = true;
            }
            if (fails(&tried)) {
                *schedule = tried;
            }
        }
    }
    tap_note("the schedule of seed 0x%llx fails; what is left of it:", (unsigned long long)seed);
    for (unsigned i = 0; i < STEPS; i++) {
        if (!schedule->is_left_out[i]) {
            tap_note("step %u: 0x%016llx", i, (unsigned long long)schedule->words[i]);
        }
    }
}

static void draw_schedule(uint64_t seed, struct schedule *schedule)
{
    uint64_t state = seed;

    *schedule = (struct schedule){.words = {0}};
    for (unsigned i = 0; i < STEPS; i++) {
        schedule->words[i] = next_random(&state);
    }
}

/* Schedules first .. first + count - 1, in a child. Returns: whether all are right. */
static bool run_many(uint64_t seed, unsigned first, unsigned count, struct sums *sums)
{
    struct schedule schedule;
    int ends[2];

    ASSERT(pipe(ends) == 0);
    const pid_t pid = fork();

    ASSERT(pid >= 0);
    if (pid == 0) {
        struct sums all = {.waits = {0}};

        for (unsigned i = first; i < first + count; i++) {
            draw_schedule(seed + i * UINT64_C(0x9e3779b97f4a7c15), &schedule);
            run(&schedule, &all);
        }
        ASSERT(write(ends[1], &all, sizeof all) == (ssize_t)sizeof all);
        _exit(0);
    }
    (void)close(ends[1]);
    const bool is_right = read(ends[0], sums, sizeof *sums) == (ssize_t)sizeof *sums;

    (void)close(ends[0]);
    (void)waitpid(pid, NULL, 0);
    return is_right;
}

static void find_failure(uint64_t seed)
{
    struct schedule schedule;

    for (unsigned i = 0; i < SCHEDULES; i++) {
        draw_schedule(seed + i * UINT64_C(0x9e3779b97f4a7c15), &schedule);
        if (fails(&schedule)) {
            shrink(&schedule, seed + i * UINT64_C(0x9e3779b97f4a7c15));
            return;
        }
    }
}

TAP_TEST(no_schedule_of_clients_pagers_and_ends_breaks_an_invariant)
{
    const char *given_opt = getenv("HF_SEED");
    const uint64_t seed = given_opt != NULL ? strtoull(given_opt, NULL, 0) : (uint64_t)time(NULL);
    struct sums sums = {.waits = {0}};

    tap_note("HF_SEED=0x%llx, %ux%u steps", (unsigned long long)seed, SCHEDULES, STEPS);
    if (!EXPECT(run_many(seed, 0, SCHEDULES, &sums))) {
        find_failure(seed);
        return;
    }
    const struct wait_counts all = sums.waits;
    tap_note("tries: first %llu, second %llu; queued %llu, late %llu, joined %llu, saves %llu, "
             "stale %llu",
             (unsigned long long)all.first, (unsigned long long)all.second,
             (unsigned long long)all.queued, (unsigned long long)all.timeouts,
             (unsigned long long)all.joined, (unsigned long long)all.saves,
             (unsigned long long)all.stale);
    EXPECT(all.first != 0 && all.second != 0 && all.queued != 0 && all.timeouts != 0);
    EXPECT(all.joined != 0 && all.saves != 0 && all.stale != 0);
    others_report(&sums.others);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(no_schedule_of_clients_pagers_and_ends_breaks_an_invariant),
    };

    return TAP_RUN(argc, argv, tests);
}
