/* SPDX-License-Identifier: MIT */
/*
 * The register convention, calls without an object, and calls that a client may not make.
 */
#include <stdio.h>
#include <string.h>

#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <tap.h>

#define EMPTY_SLOT 40

/* All integer registers but x0, as an ecall leaves them. */
static struct {
    uint64_t before[32];
    uint64_t after[32];
} registers;

#define SAVED_COUNT 15

/* sp, gp, tp, s0..s11: kept over every call. */
static const int saved[SAVED_COUNT] = {2, 3, 4, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27};

/*
 * Fill every register that a call may change or must keep with a pattern of its own, call, and
 * store them all. sp, gp and tp keep their values: they are compared with themselves.
 */
static void registers_call(uint64_t number)
{
    register uint64_t t0 __asm__("t0") = number;
    register uint64_t a0 __asm__("a0") = (uint64_t)&registers;
    __asm__ volatile("addi sp, sp, -16\n\t"
                     "sd s0, 0(sp)\n\t"
                     "sd s1, 8(sp)\n\t"
                     "mv s0, a0\n\t"
                     "li s1, 0x1111\n\tli s2, 0x2222\n\tli s3, 0x3333\n\tli s4, 0x4444\n\t"
                     "li s5, 0x5555\n\tli s6, 0x6666\n\tli s7, 0x7777\n\tli s8, 0x8888\n\t"
                     "li s9, 0x9999\n\tli s10, 0xaaaa\n\tli s11, 0xbbbb\n\t"
                     "sd sp, 16(s0)\n\tsd gp, 24(s0)\n\tsd tp, 32(s0)\n\tsd s0, 64(s0)\n\t"
                     "sd s1, 72(s0)\n\tsd s2, 144(s0)\n\tsd s3, 152(s0)\n\tsd s4, 160(s0)\n\t"
                     "sd s5, 168(s0)\n\tsd s6, 176(s0)\n\tsd s7, 184(s0)\n\tsd s8, 192(s0)\n\t"
                     "sd s9, 200(s0)\n\tsd s10, 208(s0)\n\tsd s11, 216(s0)\n\t"
                     "li ra, -1\n\tli t1, -1\n\tli t2, -1\n\tli t3, -1\n\tli t4, -1\n\t"
                     "li t5, -1\n\tli t6, -1\n\tli a0, -1\n\tli a1, -1\n\tli a2, -1\n\t"
                     "li a3, -1\n\tli a4, -1\n\tli a5, -1\n\tli a6, -1\n\tli a7, -1\n\t"
                     "ecall\n\t"
                     "sd ra, 264(s0)\n\tsd sp, 272(s0)\n\tsd gp, 280(s0)\n\tsd tp, 288(s0)\n\t"
                     "sd t0, 296(s0)\n\tsd t1, 304(s0)\n\tsd t2, 312(s0)\n\tsd s0, 320(s0)\n\t"
                     "sd s1, 328(s0)\n\tsd a0, 336(s0)\n\tsd a1, 344(s0)\n\tsd a2, 352(s0)\n\t"
                     "sd a3, 360(s0)\n\tsd a4, 368(s0)\n\tsd a5, 376(s0)\n\tsd a6, 384(s0)\n\t"
                     "sd a7, 392(s0)\n\tsd s2, 400(s0)\n\tsd s3, 408(s0)\n\tsd s4, 416(s0)\n\t"
                     "sd s5, 424(s0)\n\tsd s6, 432(s0)\n\tsd s7, 440(s0)\n\tsd s8, 448(s0)\n\t"
                     "sd s9, 456(s0)\n\tsd s10, 464(s0)\n\tsd s11, 472(s0)\n\tsd t3, 480(s0)\n\t"
                     "sd t4, 488(s0)\n\tsd t5, 496(s0)\n\tsd t6, 504(s0)\n\t"
                     "ld s0, 0(sp)\n\t"
                     "ld s1, 8(sp)\n\t"
                     "addi sp, sp, 16"
                     : "+r"(t0), "+r"(a0)
                     :
                     : "ra", "t1", "t2", "t3", "t4", "t5", "t6", "a1", "a2", "a3", "a4", "a5", "a6",
                       "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11",
                       "memory");
}

static bool register_is_saved(int number)
{
    for (int i = 0; i < SAVED_COUNT; i++) {
        if (saved[i] == number) {
            return true;
        }
    }
    return false;
}

static void registers_expect(uint64_t number, enum err error)
{
    memset(&registers, 0, sizeof(registers));
    registers_call(number);
    EXPECT_U64(registers.after[5], error);
    for (int i = 1; i < 32; i++) {
        if (register_is_saved(i)) {
            EXPECT_U64(registers.after[i], registers.before[i]);
        } else if (i != 5 && !EXPECT_U64(registers.after[i], 0)) {
            tap_note("  x%d after call %d", i, (int)number);
        }
    }
}

TAP_TEST(null_keeps_what_is_to_be_kept_and_clears_the_rest)
{
    registers_expect(SYS_NULL, ERR_OK);
}

TAP_TEST(a_slow_call_keeps_and_clears_the_same_registers)
{
    registers_expect(SYS_YIELD, ERR_OK);
    registers_expect(SYS_INFO, ERR_INVAL);
    registers_expect(SYS_HANDLE_CLOSE, ERR_BADF);
}

TAP_TEST(an_unknown_call_is_nosys)
{
    static const uint64_t numbers[] = {SYS_COUNT, 1000, UINT64_C(1) << 32, UINT64_MAX,
                                       (UINT64_C(1) << 63) | SYS_YIELD};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        registers_expect(numbers[i], ERR_NOSYS);
    }
}

TAP_TEST(info_numbers_make_sense)
{
    uint64_t value = 0;
    EXPECT_ERR(hf_info(INFO_TIMEBASE_HZ, &value), ERR_OK);
    EXPECT_U64(value, hf_env()->timebase_hz);
    EXPECT(value > 0);
    uint64_t harts = 0;
    EXPECT_ERR(hf_info(INFO_HARTS, &harts), ERR_OK);
    EXPECT(harts >= 1);
    EXPECT_ERR(hf_info(INFO_HART, &value), ERR_OK);
    uint64_t frames = 0;
    EXPECT_ERR(hf_info(INFO_FRAMES, &frames), ERR_OK);
    EXPECT_ERR(hf_info(INFO_FRAMES_KERNEL, &value), ERR_OK);
    EXPECT(value > 0 && value < frames);
}

TAP_TEST(info_counts_calls_and_faults)
{
    uint64_t before = 0;
    uint64_t after = 0;
    EXPECT_ERR(hf_info(INFO_IPC_COUNT, &before), ERR_OK);
    struct mem_hello_rep hello;
    EXPECT_ERR(hf_hello(&hello), ERR_OK);
    EXPECT_ERR(hf_info(INFO_IPC_COUNT, &after), ERR_OK);
    EXPECT(after > before);

    uint64_t addr = 0;
    const struct hf_map map = {.length = HF_PAGE_BYTES,
                               .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                               .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
    REQUIRE(EXPECT_ERR(hf_map(map, &addr), ERR_OK));
    EXPECT_ERR(hf_info(INFO_FAULT_COUNT, &before), ERR_OK);
    *(volatile char *)addr = 1;
    EXPECT_ERR(hf_info(INFO_FAULT_COUNT, &after), ERR_OK);
    EXPECT_U64(after - before, 1);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, addr, HF_PAGE_BYTES), ERR_OK);
}

/* The sum of a number over all harts. */
static uint64_t info_sum(enum info which)
{
    uint64_t harts = 0;
    uint64_t sum = 0;

    EXPECT_ERR(hf_info(INFO_HARTS, &harts), ERR_OK);
    for (uint64_t i = 0; i < harts; i++) {
        uint64_t value = 0;
        EXPECT_ERR(hf_info_of(which, i, &value), ERR_OK);
        sum += value;
    }
    return sum;
}

TAP_TEST(info_counts_messages_and_instructions_of_each_hart)
{
    const uint64_t messages = info_sum(INFO_HART_IPC);
    const uint64_t instructions = info_sum(INFO_HART_INSTRUCTIONS);
    struct mem_hello_rep hello;
    uint64_t value;

    EXPECT_ERR(hf_hello(&hello), ERR_OK);
    EXPECT(info_sum(INFO_HART_IPC) > messages);
    EXPECT(info_sum(INFO_HART_INSTRUCTIONS) > instructions);
    EXPECT_ERR(hf_info_of(INFO_HART_IPC, 8, &value), ERR_INVAL);
    EXPECT_ERR(hf_info_of(INFO_HART_INSTRUCTIONS, 8, &value), ERR_INVAL);
}

TAP_TEST(info_of_an_unknown_number_is_inval)
{
    uint64_t value = 77;
    EXPECT_ERR(hf_info((enum info)(INFO_HART_INSTRUCTIONS + 1), &value), ERR_INVAL);
    EXPECT_ERR(hf_info((enum info)UINT32_MAX, &value), ERR_INVAL);
    EXPECT_U64(value, 77);
}

TAP_TEST(yield_returns)
{
    for (int i = 0; i < 100; i++) {
        EXPECT_ERR(hf_yield(), ERR_OK);
    }
}

TAP_TEST(log_write_writes_whole_lines_and_refuses_more_than_a_message_page_holds)
{
    uint64_t written = 0;
    static const char line[] = "# written by a kernel call\n";
    memcpy(hf_message_page(), line, sizeof(line) - 1);
    EXPECT_ERR(hf_log_write(HANDLE_LOG, sizeof(line) - 1, &written), ERR_OK);
    EXPECT(written > 0 && written <= sizeof(line) - 1);
    EXPECT_ERR(hf_log_write(HANDLE_LOG, 0, &written), ERR_OK);
    EXPECT_U64(written, 0);
    EXPECT_ERR(hf_log_write(HANDLE_LOG, MESSAGE_LOG_BYTES_MAX + 1, &written), ERR_RANGE);
    EXPECT_ERR(hf_log_write(HANDLE_LOG, UINT64_MAX, &written), ERR_RANGE);
}

TAP_TEST(log_calls_check_their_handle)
{
    uint64_t result = 0;
    EXPECT_ERR(hf_log_write(EMPTY_SLOT, 0, &result), ERR_BADF);
    EXPECT_ERR(hf_log_write(HANDLE_MEM, 0, &result), ERR_TYPE);
    EXPECT_ERR(hf_log_read(EMPTY_SLOT, &result), ERR_BADF);
    EXPECT_ERR(hf_log_read(HANDLE_MEM, &result), ERR_TYPE);
    uint64_t weak = 0;
    REQUIRE(EXPECT_ERR(hf_handle_derive(HANDLE_LOG, RIGHT_TRANSFER, 0, 0, &weak), ERR_OK));
    EXPECT_ERR(hf_log_write(weak, 0, &result), ERR_RIGHTS);
    EXPECT_ERR(hf_log_read(weak, &result), ERR_RIGHTS);
    EXPECT_ERR(hf_handle_close(weak), ERR_OK);
}

TAP_TEST(power_and_trace_need_the_machine)
{
    uint64_t events = 0;
    EXPECT_ERR(hf_power(HANDLE_MACHINE, POWER_OFF, 0), ERR_BADF);
    EXPECT_ERR(hf_power(HANDLE_LOG, POWER_OFF, 0), ERR_TYPE);
    EXPECT_ERR(hf_trace_read(HANDLE_MACHINE, 1, &events), ERR_BADF);
    EXPECT_ERR(hf_trace_read(HANDLE_LOG, 1, &events), ERR_TYPE);
}

TAP_TEST(calls_of_the_memory_server_are_refused_to_a_client)
{
    for (int number = SYS_SPACE_MAKE; number <= SYS_NEXT_DEATH; number++) {
        static const uint64_t none[6] = {0};
        /* In a client that slot is the file system's. */
        EXPECT_ERR(hf_syscall_six((enum sys)number, HANDLE_FILES, none).error, ERR_TYPE);
        EXPECT_ERR(hf_syscall_six((enum sys)number, HANDLE_NONE, none).error, ERR_BADF);
        EXPECT_ERR(hf_syscall_six((enum sys)number, HANDLE_MEM, none).error, ERR_TYPE);
        EXPECT_ERR(hf_syscall_six((enum sys)number, HANDLE_LOG, none).error, ERR_TYPE);
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(null_keeps_what_is_to_be_kept_and_clears_the_rest),
        TAP(a_slow_call_keeps_and_clears_the_same_registers),
        TAP(an_unknown_call_is_nosys),
        TAP(info_numbers_make_sense),
        TAP(info_counts_calls_and_faults),
        TAP(info_counts_messages_and_instructions_of_each_hart),
        TAP(info_of_an_unknown_number_is_inval),
        TAP(yield_returns),
        TAP(log_write_writes_whole_lines_and_refuses_more_than_a_message_page_holds),
        TAP(log_calls_check_their_handle),
        TAP(power_and_trace_need_the_machine),
        TAP(calls_of_the_memory_server_are_refused_to_a_client),
    };
    return TAP_RUN(argc, argv, tests);
}
