/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <string.h>

#include <abi/fault.h>
#include <riscv/csr.h>
#include <riscv/timer.h>

#include "debug/panic.h"
#include "debug/trace.h"
#include "ipc/end.h"
#include "ipc/fault.h"
#include "ipc/ipc.h"
#include "ipc/pending.h"
#include "mm/fill.h"
#include "model.h"
#include "riscv/trap.h"
#include "task/fpu.h"
#include "task/harts.h"
#include "task/sched.h"
#include "task/slab.h"

#define THREADS_MAX 16u
#define SLICE       1000u

/* Frames of the model, in order of use. */
static uint64_t stage_frames;
static struct thread *stage_threads[THREADS_MAX];
static uint64_t stage_numbers;
static uint64_t stage_timer;

struct space *stage_server;
struct thread *stage_server_thread;
struct thread *stage_ended_opt;
uint64_t stage_time;
struct hart harts[HARTS_MAX];
uint64_t harts_count = 1;
uint64_t model_satp;
uint64_t model_sstatus;
bool trace_is_on;

/* What the parts under test need from those that are not. */

void trace_record(enum trace_kind kind, uint64_t first, uint64_t second)
{
    (void)kind;
    (void)first;
    (void)second;
    UNREACHABLE();
}

void panic(const char *reason)
{
    assert_fail(reason);
}

void trap_panic(const char *who, const uint64_t x[32])
{
    (void)x;
    assert_fail(who);
}

void harts_enter(void)
{
}

void harts_leave(void)
{
}

void harts_cut(void)
{
    if (fill_is_open()) {
        ASSERT(harts[0].current != NULL); /* in whose tables the hart is meanwhile */
        fill_finish();
        if (stage_ended_opt != NULL) {
            harts[0].current = NULL;
            harts[0].reschedule = RESCHEDULE;
            thread_set_state(stage_ended_opt, THREAD_ENDED);
            stage_ended_opt = NULL;
        }
    } else {
        sched_tick();
    }
}

void harts_poke(struct hart *hart)
{
    (void)hart;
    UNREACHABLE();
}

void harts_have_done(struct hart *hart, unsigned request)
{
    (void)hart;
    (void)request;
    UNREACHABLE();
}

void fpu_save(uint64_t *words)
{
    words[0]++;
}

void fpu_load(const uint64_t *words)
{
    (void)words;
}

void timer_set(uint64_t time)
{
    stage_timer = time;
}

uint64_t timer_now(void)
{
    return stage_time;
}

void model_wait(void)
{
    ASSERT(stage_timer != TIMER_NEVER); /* nobody would ever run again */
    if (stage_time < stage_timer) {
        stage_time = stage_timer;
    }
}

/* The frame that comes next, of the kind. */
static void *stage_take(enum frame_kind kind, unsigned detail)
{
    const pfn_t pfn = model_frame(stage_frames++);

    lock_take(&memory_lock);
    frame_take(pfn, kind, detail);
    lock_release(&memory_lock);
    return frame_address(pfn);
}

static struct space *stage_make_space(bool is_server, uint64_t badge)
{
    struct space *space = stage_take(FRAME_OBJECT, OBJECT_SPACE);
    pte_t *root = stage_take(FRAME_TABLE, TABLE_ROOT);

    lock_take(&memory_lock);
    aspace_init(&space->aspace, direct_to_pfn(root), is_server);
    lock_release(&memory_lock);
    space_init(space, stage_take(FRAME_OBJECT, OBJECT_HANDLES), badge, PRIORITY_COUNT - 1);
    return space;
}

struct object *stage_object(struct space *space, enum object_kind kind, uint64_t slot)
{
    struct object *object = NULL;

    lock_take(&task_lock);
    if (space->free_cells == NULL) {
        ASSERT(slab_add(space, stage_take(FRAME_OBJECT, OBJECT_ENDPOINT)) == ERR_OK);
    }
    ASSERT(slab_take(space, kind, &object) == ERR_OK);
    if (kind == OBJECT_ENDPOINT) {
        endpoint_init((struct endpoint *)(void *)object);
    }
    lock_release(&task_lock);
    lock_take(&handle_lock);
    handle_put(space, slot, handle_make(object, kind, RIGHT_ALL, 0));
    lock_release(&handle_lock);
    return object;
}

struct thread *stage_thread(struct space *space, uint32_t priority)
{
    struct thread *thread = stage_take(FRAME_OBJECT, OBJECT_THREAD);
    void *message = stage_take(FRAME_MESSAGE, 0);

    lock_take(&task_lock);
    thread_init(thread, space, stage_numbers++, message, 0, priority);
    lock_release(&task_lock);
    sched_wake(thread);
    return thread;
}

struct space *stage_space(uint64_t badge)
{
    struct space *space = stage_make_space(false, badge);
    struct handle_slot *slot = NULL;

    ASSERT(handle_get(stage_server, STAGE_ENDPOINT, &slot) == ERR_OK);
    space->pager = handle_make(slot->object, OBJECT_ENDPOINT, RIGHT_CALL, badge);
    lock_take(&handle_lock);
    handle_put(space, STAGE_ENDPOINT, space->pager);
    lock_release(&handle_lock);
    return space;
}

/* What the test before left in the queues of the kernel. */
static void stage_clear(void)
{
    while (timeout_take_due(UINT64_MAX) != NULL) {
        /* one less */
    }
    (void)!pending_flush();
    lock_take(&task_lock);
    while (end_take_notice() != NULL) {
        /* one less */
    }
    lock_release(&task_lock);
}

void stage_start(void)
{
    static struct notification *events;

    model_hart = &harts[0];
    stage_clear();
    model_start(MODEL_PAGES);
    model_hart = &harts[0];
    memset(stage_threads, 0, sizeof(stage_threads));
    stage_frames = 8;
    stage_numbers = 0;
    stage_time = 1;
    harts[0] = (struct hart){.threads = stage_threads, .thread_max = THREADS_MAX};
    sched_init(&harts[0], SLICE);
    stage_server = stage_make_space(true, 0);
    (void)stage_object(stage_server, OBJECT_ENDPOINT, STAGE_ENDPOINT);
    struct notification *made = (struct notification *)(void *)stage_object(
        stage_server, OBJECT_NOTIFICATION, HANDLE_EVENTS);
    if (events == NULL) {
        end_set_events(made);
        events = made;
    }
    ASSERT(made == events); /* the frames are used in the same order each time */
    stage_server_thread = stage_thread(stage_server, PRIORITY_SERVER);
    lock_take(&task_lock);
    ASSERT(notify_bind(events, stage_server_thread) == ERR_OK);
    lock_release(&task_lock);
    (void)stage_schedule();
}

struct thread *stage_schedule(void)
{
    if (harts[0].current == NULL || harts[0].reschedule != RESCHEDULE_NOT) {
        sched_switch();
    }
    return harts[0].current;
}

void stage_call(uint64_t handle, uint64_t tag, uint64_t first_word)
{
    struct thread *self = harts[0].current;

    self->x[REG_T1] = handle;
    self->x[REG_T2] = tag;
    self->x[REG_A0] = first_word;
    ipc_call(self);
    (void)stage_schedule();
}

static void stage_token(struct thread *self, uint64_t serial, uint64_t number)
{
    self->x[REG_T3] = serial;
    self->x[REG_T4] = number;
}

void stage_reply_wait(uint64_t handle, uint64_t serial, uint64_t number, uint64_t first_word)
{
    struct thread *self = harts[0].current;

    thread_clear_results(self);
    stage_token(self, serial, number);
    self->x[REG_T1] = handle;
    self->x[REG_A0] = first_word;
    ipc_reply_wait(self);
    (void)stage_schedule();
}

void stage_fault_reply_wait(uint64_t serial, uint64_t number, uint64_t action, uint64_t where,
                            uint64_t what)
{
    struct thread *self = harts[0].current;

    thread_clear_results(self);
    stage_token(self, serial, number);
    self->x[REG_T1] = STAGE_ENDPOINT;
    self->x[REG_T5] = action;
    self->x[REG_A0] = where;
    self->x[REG_A0 + 1] = what;
    ipc_fault_reply_wait(self);
    (void)stage_schedule();
}

void stage_fault(uint64_t address, uint32_t access)
{
    fault_take(harts[0].current, address, access);
    (void)stage_schedule();
}

struct thread *stage_finish(struct sys_result result)
{
    thread_set_results(harts[0].current, (enum err)result.error, result.value);
    return stage_schedule();
}

enum err stage_error(const struct thread *thread)
{
    return (enum err)thread->x[REG_T0];
}
