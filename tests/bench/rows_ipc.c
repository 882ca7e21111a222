/* SPDX-License-Identifier: MIT */
/*
 * Rows about the kernel: trap, calls between two spaces, a refused fault, COPY between two spaces.
 *
 * The other space is a child of this process that runs this program.
 */
#include "bench.h"

#include <hf/process.h>

#define SERVER_SLOT 20

void rows_trap(void)
{
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        (void)hf_null();
        bench_sample(begin, bench_end());
    }
}

/* The child that answers; it ends with the program. */
int rows_serve(void)
{
    struct hf_request request = {.badge = 0};
    for (;;) {
        if (hf_reply_wait(SERVER_SLOT, &request) != ERR_OK) {
            return 1;
        }
    }
}

bool bench_child_make(const char *const *argv, struct hf_process *process, struct hf_start *start)
{
    static const char *const envp[] = {NULL};
    struct hf_program program;
    const char *why = "";
    if (!bench_must(hf_program_find("bench", &program), "find the program")) {
        return false;
    }
    program.argv = argv;
    program.envp = envp;
    enum err error = hf_process_prepare(&program, process, start, &why);
    return bench_must(error, why);
}

/* Start a child that receives from an endpoint of ours, and let it come to its wait. */
static bool server_start(struct hf_process *process, uint64_t *endpoint)
{
    static const char *const argv[] = {"bench", "--serve", NULL};
    struct hf_start start;
    struct hf_message first = {.tag = 0};
    uint64_t slot = 0;
    return bench_must(hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT), "donate") &&
           bench_must(hf_object_make(OBJECT_ENDPOINT, 0, endpoint), "endpoint") &&
           bench_child_make(argv, process, &start) &&
           bench_must(
               hf_handle_give(process->kernel_space, *endpoint, RIGHT_RECEIVE, SERVER_SLOT, &slot),
               "give") &&
           bench_must(hf_process_go(process, &start), "start") &&
           bench_must(hf_call(*endpoint, &first), "call");
}

static void server_stop(const struct hf_process *process, uint64_t endpoint)
{
    hf_process_forget(process);
    bench_must(hf_object_destroy(endpoint), "destroy");
    bench_must(hf_handle_close(endpoint), "close");
}

void rows_ipc(void)
{
    struct hf_process process;
    uint64_t endpoint = 0;
    if (!server_start(&process, &endpoint)) {
        return;
    }
    for (unsigned i = 0; i < RUNS; i++) {
        struct hf_message message = {.tag = 0};
        uint64_t begin = bench_begin();
        enum err error = hf_call(endpoint, &message);
        bench_sample(begin, bench_end());
        bench_must(error, "call");
    }
    server_stop(&process, endpoint);
}

void rows_ipc_words(void)
{
    struct hf_process process;
    uint64_t endpoint = 0;
    if (!server_start(&process, &endpoint)) {
        return;
    }
    for (uint64_t i = 0; i < RUNS; i++) {
        uint64_t begin = bench_begin();
        struct hf_message message = {.words = {i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7}};
        enum err error = hf_call(endpoint, &message);
        /* Every word is looked at, so that none can be left out. */
        const uint64_t *words = message.words;
        uint64_t sum =
            words[0] + words[1] + words[2] + words[3] + words[4] + words[5] + words[6] + words[7];
        bench_sample(begin, bench_end());
        bench_must(error, "call");
        bench_must(sum == 8 * i + 28 ? ERR_OK : ERR_IO, "words came back changed");
    }
    server_stop(&process, endpoint);
}

/* Both pages are there; the child is prepared and never runs. */
void rows_copy(void)
{
    static const char *const argv[] = {"bench", NULL};
    struct hf_process process;
    struct hf_start start;
    uint64_t there = 0;
    if (!bench_child_make(argv, &process, &start)) {
        return;
    }
    const struct hf_map request = {
        .space = process.space, .length = PAGE, .prot = RW, .flags = ANON | MEM_MAP_POPULATE};
    bench_must(hf_map(request, &there), "map in the child");
    bench_map(AREA, 1, RW, MEM_MAP_FIXED | MEM_MAP_POPULATE);
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t copied = 0;
        uint64_t begin = bench_begin();
        enum err error = hf_copy(process.space, AREA, there, PAGE, MEM_COPY_TO, &copied);
        bench_sample(begin, bench_end());
        bench_must(error, "copy");
    }
    bench_unmap(AREA, 1);
    hf_process_forget(&process);
}

/* The handler ends the measurement and skips the store, which is 4 bytes long. */
static uint64_t refused_begin;

static void refused_entry(uint64_t cause, uint64_t detail, uint64_t *context)
{
    bench_sample(refused_begin, bench_end());
    (void)cause;
    (void)detail;
    context[32] += 4; /* pc */
    (void)hf_upcall_resume();
    hf_exit(1);
}

void rows_fault_refused(void)
{
    static _Alignas(16) char stack[8192];
    bench_must(hf_upcall_set((uint64_t)refused_entry, (uint64_t)(stack + sizeof(stack))), "upcall");
    for (unsigned i = 0; i < RUNS; i++) {
        refused_begin = bench_begin();
        __asm__ volatile(".option push\n\t.option norvc\n\tsb zero, 0(%0)\n\t.option pop"
                         :
                         : "r"(AREA)
                         : "memory");
    }
    bench_must(hf_upcall_set(0, 0), "upcall");
}
