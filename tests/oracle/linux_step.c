/* SPDX-License-Identifier: MIT */
/*
 * The steps as system calls and touches.
 *
 * A touch that fails is noticed by a handler on a stack of its own, which jumps back.
 */
#include "linux_step.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/types.h>

#include "linux_fail.h"
#include "linux_fetch.h"
#include "linux_object.h"
#include "linux_room.h"
#include "linux_side.h"

static sigjmp_buf touch_failed;
static volatile sig_atomic_t is_touching;
static volatile sig_atomic_t touch_signal;
static char handler_stack[65536];

static void handle_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (!is_touching) {
        /* A fault of this program's own: die of it. */
        signal(number, SIG_DFL);
        return;
    }
    is_touching = 0;
    touch_signal = LOOK_OTHER;
    if (number == SIGSEGV && info->si_code == SEGV_MAPERR) {
        touch_signal = LOOK_MAPERR;
    } else if (number == SIGSEGV && info->si_code == SEGV_ACCERR) {
        touch_signal = LOOK_ACCERR;
    } else if (number == SIGBUS) {
        touch_signal = LOOK_BUS;
    } else if (fetch_was_zeros(number, info)) {
        touch_signal = LOOK_NO_SIGNAL;
    }
    siglongjmp(touch_failed, 1);
}

void linux_step_init(void)
{
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
    struct sigaction action = {.sa_sigaction = handle_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    if (sigaltstack(&stack, NULL) != 0 || sigaction(SIGSEGV, &action, NULL) != 0 ||
        sigaction(SIGBUS, &action, NULL) != 0 || sigaction(SIGILL, &action, NULL) != 0) {
        fail_end("signal handlers");
    }
}

static void result_set(struct look_head *head, long result)
{
    head->error = result == -1 ? errno : 0;
}

static void linux_map(const struct slot *slot, const struct step *step, struct look_head *head)
{
    const struct stage *stage = &slot->stage;
    bool is_fixed = (step->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
    uint64_t addr =
        is_fixed ? stage_to_linux(stage, step->addr) : stage_hint_to_linux(stage, step->addr);
    long result = syscall(SYS_mmap, addr, stage_length_to_linux(stage, step->length), step->prot,
                          step->flags, object_descriptor(step), step->offset);

    result_set(head, result);
    head->answer = result == -1 ? 0 : stage_to_core(stage, (uint64_t)result);
}

static void linux_unmap(const struct slot *slot, const struct step *step, struct look_head *head)
{
    result_set(head, syscall(SYS_munmap, stage_to_linux(&slot->stage, step->addr),
                             stage_length_to_linux(&slot->stage, step->length)));
}

static void linux_protect(const struct slot *slot, const struct step *step, struct look_head *head)
{
    result_set(head, syscall(SYS_mprotect, stage_to_linux(&slot->stage, step->addr),
                             stage_length_to_linux(&slot->stage, step->length), step->prot));
}

static void linux_remap(const struct slot *slot, const struct step *step, struct look_head *head)
{
    const struct stage *stage = &slot->stage;
    long result = syscall(
        SYS_mremap, stage_to_linux(stage, step->addr), stage_length_to_linux(stage, step->length),
        stage_length_to_linux(stage, step->size), step->flags, stage_to_linux(stage, step->target));

    result_set(head, result);
    head->answer = result == -1 ? 0 : stage_to_core(stage, (uint64_t)result);
}

static void linux_advise(const struct slot *slot, const struct step *step, struct look_head *head)
{
    result_set(head, syscall(SYS_madvise, stage_to_linux(&slot->stage, step->addr),
                             stage_length_to_linux(&slot->stage, step->length), step->value));
}

static void linux_read(const struct slot *slot, const struct step *step, struct look_head *head)
{
    const volatile uint64_t *word = (uint64_t *)stage_to_linux(&slot->stage, step->addr);

    if (sigsetjmp(touch_failed, 0) == 0) {
        is_touching = 1;
        head->answer = *word;
        is_touching = 0;
    } else {
        head->signal = (uint32_t)touch_signal;
    }
}

static void linux_write(const struct slot *slot, const struct step *step, struct look_head *head)
{
    volatile uint64_t *word = (uint64_t *)stage_to_linux(&slot->stage, step->addr);

    if (sigsetjmp(touch_failed, 0) == 0) {
        is_touching = 1;
        *word = step->value;
        is_touching = 0;
    } else {
        head->signal = (uint32_t)touch_signal;
    }
}

static void linux_exec(const struct slot *slot, const struct step *step, struct look_head *head)
{
    uint64_t start = stage_to_linux(&slot->stage, step->addr & ~(uint64_t)PAGE_MASK);

    /* Architectures differ in whether a forbidden fetch brings the page in, so a load does first
     * where it may. */
    if (sigsetjmp(touch_failed, 0) == 0) {
        is_touching = 1;
        (void)*(const volatile char *)start;
        is_touching = 0;
    }
    if (sigsetjmp(touch_failed, 0) == 0) {
        is_touching = 1;
        fetch(start);
        is_touching = 0;
    } else {
        head->signal = (uint32_t)touch_signal;
    }
}

static void linux_limit(const struct slot *slot, const struct step *step, struct look_head *head)
{
    static const int resources[STEP_LIMITS] = {
        [STEP_LIMIT_PAGES] = RLIMIT_AS,
        [STEP_LIMIT_DATA] = RLIMIT_DATA,
        [STEP_LIMIT_LOCKED] = RLIMIT_MEMLOCK,
        [STEP_LIMIT_STACK] = RLIMIT_STACK,
    };
    int resource = resources[step->value % STEP_LIMITS];
    struct rlimit limit;

    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0) {
        fail_end("getrlimit");
    }
    if (step->value == STEP_LIMIT_LOCKED) {
        bool is_unlimited = step->size == STEP_UNLIMITED;
        limit.rlim_cur = room_lock_limit(is_unlimited ? slot->stage.lock_max : step->size);
    } else if (step->value == STEP_LIMIT_STACK) {
        limit.rlim_cur = step->size == STEP_UNLIMITED ? STAGE_STACK_MAX : step->size;
    } else if (step->size == STEP_UNLIMITED) {
        limit.rlim_cur = limit.rlim_max;
    } else {
        limit.rlim_cur = (room_pages((unsigned)step->value) + step->size) * PAGE_SIZE;
    }
    result_set(head, setrlimit((__rlimit_resource_t)resource, &limit));
}

static void linux_lock(const struct slot *slot, const struct step *step, struct look_head *head)
{
    result_set(head, syscall(SYS_mlock2, stage_to_linux(&slot->stage, step->addr),
                             stage_length_to_linux(&slot->stage, step->length), step->flags));
}

static void linux_unlock(const struct slot *slot, const struct step *step, struct look_head *head)
{
    result_set(head, syscall(SYS_munlock, stage_to_linux(&slot->stage, step->addr),
                             stage_length_to_linux(&slot->stage, step->length)));
}

static void linux_lock_all(const struct slot *slot, const struct step *step, struct look_head *head)
{
    (void)slot;
    result_set(head, syscall(SYS_mlockall, step->flags));
    if (head->error == 0 && (step->flags & MCL_CURRENT) != 0) {
        room_set_locked(true);
    }
}

static void linux_unlock_all(const struct slot *slot, const struct step *step,
                             struct look_head *head)
{
    (void)slot;
    (void)step;
    result_set(head, syscall(SYS_munlockall));
    if (head->error == 0) {
        room_set_locked(false);
    }
}

static void linux_incore(const struct slot *slot, const struct step *step, struct look_head *head)
{
    static unsigned char pages[STAGE_BELOW + STAGE_ABOVE];

    result_set(head, syscall(SYS_mincore, stage_to_linux(&slot->stage, step->addr),
                             stage_length_to_linux(&slot->stage, step->length), pages));
    if (head->error == 0) {
        head->answer = look_digest(pages, step->length);
    }
}

static void linux_sync(const struct slot *slot, const struct step *step, struct look_head *head)
{
    result_set(head, syscall(SYS_msync, stage_to_linux(&slot->stage, step->addr),
                             stage_length_to_linux(&slot->stage, step->length), step->flags));
}

void linux_step(const struct slot *slot, const struct step *step, struct look_head *head)
{
    static void (*const functions[STEP_OPS])(const struct slot *slot, const struct step *step,
                                             struct look_head *head) = {
#define STEP(name, function, arguments, summary) linux_##function,
#include "step.def"
#undef STEP
    };

    if (step->op >= STEP_OPS || !stage_is_safe(&slot->sequence.room, step)) {
        errno = 0;
        fail_end("a step would leave the room");
    }
    functions[step->op](slot, step, head);
}
