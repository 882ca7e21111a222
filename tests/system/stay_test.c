/* SPDX-License-Identifier: MIT */
/*
 * How long a request stays in the memory server before it turns to its next
 * message: the longest of the messages that a request takes, in instructions of
 * client, kernel and server together, with 16 MiB and with 4,096 regions of a
 * page each.
 *
 * Nobody else has anything to do meanwhile; turns_test says what an urgent
 * client sees of it.
 */
#include <string.h>

#include <abi/fault.h>
#include <abi/layout.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/pin.h>
#include <hf/process.h>
#include <hf/shared.h>
#include <tap.h>

#include "balance.h"
#include "child.h"
#include "count.h"

#define BYTES (UINT64_C(16) << 20)
#define PIECE (16 * HF_PAGE_BYTES)
#define RW    (MEM_PROT_READ | MEM_PROT_WRITE)

/* Instructions of one message at most. */
#define STAY         42000u
#define JUDGE        110u   /* and so many more for each region, where many are judged at once */
#define QUERY_PAGE   125u   /* and so many more for each page that QUERY counts, */
#define QUERY_PINNED 260u   /* and if anybody has a pin */
#define STAY_END     64000u /* the last of the end of a process */

/* What came of a request: its answer, and the longest of its messages. */
struct stay {
    enum err error;
    uint32_t messages;
    uint64_t longest;
    uint64_t value;
};

/* Send a request and what is to be sent after it. */
static struct stay ask(struct hf_message message)
{
    const uint64_t tag = message.tag;
    const uint64_t object = message.words[6];
    const uint64_t space = message.words[7];
    struct stay stay = {.error = ERR_MORE};

    while (stay.error == ERR_MORE) {
        const uint64_t start = count_instructions();
        const enum err error = hf_call(HANDLE_MEM, &message);
        const uint64_t taken = count_instructions() - start;
        const uint64_t *next = &message.words[2];

        stay.error = error != ERR_OK ? error : (enum err)message.words[0];
        stay.longest = taken > stay.longest ? taken : stay.longest;
        stay.messages++;
        stay.value += message.words[1];
        message = (struct hf_message){
            .tag = tag,
            .words = {next[0], next[1], next[2], next[3], next[4], next[5], object, space},
        };
    }
    return stay;
}

static void expect_within(const char *name, struct stay stay, uint64_t most)
{
    EXPECT_ERR(stay.error, ERR_OK);
    tap_note("%s: %u messages, the longest of %lu instructions", name, stay.messages,
             (unsigned long)stay.longest);
    EXPECT(stay.longest < most || !count_is_exact());
}

static void expect_short(const char *name, struct stay stay)
{
    expect_within(name, stay, STAY);
}

static uint64_t map_bytes(uint32_t flags, uint64_t object)
{
    uint64_t address = 0;
    const struct hf_map map = {
        .length = BYTES,
        .prot = RW,
        .flags = flags,
        .object = object,
    };
    EXPECT_ERR(hf_map(map, &address), ERR_OK);
    return address;
}

static uint64_t map_own(void)
{
    return map_bytes(MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS, HF_NO_OBJECT);
}

/* All pages touched. */
static void fill(uint64_t address)
{
    for (uint64_t i = 0; i < BYTES; i += PIECE) {
        EXPECT_ERR(hf_advise(HF_OWN_SPACE, address + i, PIECE, MEM_ADVISE_POPULATE_WRITE), ERR_OK);
    }
}

/* One region a page, where there was one. */
static void split(uint64_t address)
{
    for (uint64_t i = 0; i < BYTES; i += 2 * HF_PAGE_BYTES) {
        EXPECT_ERR(hf_protect(HF_OWN_SPACE, address + i, HF_PAGE_BYTES, MEM_PROT_NONE), ERR_OK);
    }
}

static struct stay ask_bytes(uint64_t head, uint64_t address, uint64_t bytes, uint64_t word)
{
    return ask((struct hf_message){.words = {head, address, bytes, word}});
}

static struct stay ask_range(uint64_t head, uint64_t address, uint64_t word)
{
    return ask_bytes(head, address, BYTES, word);
}

/* Shared memory, all pages touched, mapped nowhere. */
static uint64_t make_shared(void)
{
    uint64_t object = 0;

    EXPECT_ERR(hf_shared_make(BYTES, 0, 0, &object), ERR_OK);
    const uint64_t address = map_bytes(MEM_MAP_SHARED, object);
    fill(address);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, BYTES), ERR_OK);
    return object;
}

static struct stay close_shared(uint64_t object)
{
    return ask((struct hf_message){
        .tag = HF_HANDLE_AT(6),
        .words = {MEM_OBJECT_CLOSE, 0, 0, 0, 0, 0, object},
    });
}

TAP_TEST(the_last_handle_to_shared_memory)
{
    (void)close_shared(make_shared()); /* what is kept from now on is kept */
    const uint64_t before = balance_free();
    const uint64_t object = make_shared();
    expect_short("OBJECT_CLOSE", close_shared(object));
    EXPECT_ERR(hf_handle_close(object), ERR_OK);
    EXPECT_U64(balance_free(), before);
}

/* Pages of it that are there. */
static uint64_t resident_of(uint64_t object)
{
    struct mem_object_info_rep info;

    return hf_shared_info(object, &info) == ERR_OK ? info.resident : UINT64_MAX;
}

TAP_TEST(shared_memory_that_is_taken_out_or_becomes_shorter)
{
    const uint64_t object = make_shared();
    const uint64_t address = map_bytes(MEM_MAP_SHARED, object);
    struct stay stay;

    fill(address);
    stay = ask_range(MEM_ADVISE, address, MEM_ADVISE_REMOVE);
    expect_short("REMOVE of shared memory", stay);
    EXPECT(stay.messages > 1);
    EXPECT_U64(resident_of(object), 0);
    fill(address);
    stay = ask((struct hf_message){
        .tag = HF_HANDLE_AT(6),
        .words = {MEM_OBJECT_RESIZE, HF_PAGE_BYTES, 0, 0, 0, 0, object},
    });
    expect_short("OBJECT_RESIZE of shared memory", stay);
    EXPECT(stay.messages > 1);
    EXPECT_U64(resident_of(object), 1);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, BYTES), ERR_OK);
    (void)close_shared(object);
    EXPECT_ERR(hf_handle_close(object), ERR_OK);
}

TAP_TEST(the_last_mapping_of_shared_memory)
{
    const uint64_t before = balance_free();
    const uint64_t address = map_bytes(MEM_MAP_SHARED | MEM_MAP_ANONYMOUS, HF_NO_OBJECT);
    fill(address);
    expect_short("UNMAP of shared memory", ask_range(MEM_UNMAP, address, 0));
    EXPECT_U64(balance_free(), before);
}

TAP_TEST(the_last_mapping_of_shared_memory_replaced)
{
    const uint64_t before = balance_free();
    const uint64_t object = make_shared();
    const uint64_t address = map_bytes(MEM_MAP_SHARED, object);
    (void)close_shared(object);
    EXPECT_ERR(hf_handle_close(object), ERR_OK);
    const uint64_t flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED;
    const struct stay stay = ask_range(MEM_MAP, address, RW | flags << 32);
    expect_short("MAP over shared memory", stay);
    EXPECT_U64(stay.value, address);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, BYTES), ERR_OK);
    EXPECT_U64(balance_free(), before);
}

/* MAP over private memory, and what there is to be then. */
static void expect_replaced(const char *name, uint64_t address, uint64_t regions)
{
    const uint64_t flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED;
    const struct stay stay = ask_range(MEM_MAP, address, RW | flags << 32);

    expect_within(name, stay, STAY + regions * JUDGE);
    EXPECT(stay.messages > 1);
    EXPECT_U64(stay.value, address);
    EXPECT_U64(*(volatile uint64_t *)address, 0);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, BYTES), ERR_OK);
}

TAP_TEST(private_memory_replaced)
{
    const uint64_t before = balance_free();
    uint64_t address = map_own();

    fill(address);
    expect_replaced("MAP over pages", address, 1);
    address = map_own();
    split(address);
    expect_replaced("MAP over regions", address, BYTES / HF_PAGE_BYTES);
    EXPECT_U64(balance_free(), before);
}

/* What is to be present is, whatever was there before. */
TAP_TEST(private_memory_replaced_and_populated)
{
    const uint64_t before = balance_free();
    const uint64_t address = map_own();
    const uint64_t flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED | MEM_MAP_POPULATE;

    fill(address);
    const struct stay stay = ask_range(MEM_MAP, address, RW | flags << 32);

    expect_short("MAP with POPULATE over pages", stay);
    EXPECT_U64(stay.value, address);
    EXPECT(balance_free() + BYTES / HF_PAGE_BYTES <= before);
    EXPECT_U64(*(volatile uint64_t *)address, 0);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, BYTES), ERR_OK);
    EXPECT_U64(balance_free(), before);
}

/* REMAP of BYTES at `address` to `kept` bytes, at `target` if that is not 0. */
static struct stay ask_move(uint64_t address, uint64_t kept, uint64_t target)
{
    const uint64_t flags = target != 0 ? MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED : 0;

    return ask((struct hf_message){.words = {MEM_REMAP, address, BYTES, kept, flags, target}});
}

TAP_TEST(private_memory_moved)
{
    const uint64_t before = balance_free();
    const uint64_t address = map_own();
    const uint64_t target = map_own();

    fill(address);
    fill(target);
    *(volatile uint64_t *)(address + BYTES / 2) = 5;
    struct stay stay = ask_move(address, BYTES, target);
    expect_short("REMAP over pages", stay);
    EXPECT(stay.messages > 1);
    EXPECT_U64(stay.value, target);
    EXPECT_U64(*(volatile uint64_t *)(target + BYTES / 2), 5);
    EXPECT_ERR(hf_protect(HF_OWN_SPACE, address, BYTES, RW), ERR_NOMEM);
    stay = ask_move(target, HF_PAGE_BYTES, 0);
    expect_short("REMAP that makes shorter", stay);
    EXPECT(stay.messages > 1);
    EXPECT_U64(stay.value, target);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, target, BYTES), ERR_OK);
    EXPECT_U64(balance_free(), before);
}

/* Have shared memory that is mapped, and some that is not, and say so. */
static int role_shared(void)
{
    struct hf_message ready = {.tag = 0};
    uint64_t object;

    fill(map_bytes(MEM_MAP_SHARED | MEM_MAP_ANONYMOUS, HF_NO_OBJECT));
    object = make_shared();
    (void)object;
    return hf_call(CHILD_HANDLE, &ready) == ERR_OK ? 0 : 1;
}

TAP_TEST(the_end_of_a_process_with_shared_memory)
{
    struct hf_request request = {.token = {0, 0}};
    struct mem_next_rep end;
    struct child child;
    uint64_t home;

    REQUIRE(object_make(OBJECT_ENDPOINT, &home));
    REQUIRE(child_run("nothing", "", &end)); /* what is kept from now on is kept */
    const uint64_t before = balance_free();
    REQUIRE(child_make(&child, "shared", ""));
    REQUIRE(child_give(&child, home, RIGHT_CALL, CHILD_HANDLE));
    REQUIRE(child_go(&child));
    REQUIRE(hf_reply_wait(home, &request) == ERR_OK);
    EXPECT(balance_free() + 2 * BYTES / HF_PAGE_BYTES < before);
    struct hf_message message = {.tag = HF_HANDLE_AT(7), .words = {MEM_SPACE_END}};
    message.words[7] = child.process.space;
    expect_within("SPACE_END of one with shared memory", ask(message), STAY_END);
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.cause, CAUSE_KILLED);
    EXPECT(end.frames >= 2 * BYTES / HF_PAGE_BYTES);
    EXPECT_U64(balance_free(), before);
    EXPECT_ERR(hf_object_destroy(home), ERR_OK);
    (void)hf_handle_close(home);
}

/*
 * QUERY is answered in one message: each page that is there is looked up if anybody has a pin.
 */
TAP_TEST(looking_at_regions)
{
    const uint64_t piece = 64 * HF_PAGE_BYTES;
    const uint64_t address = map_own();
    const struct hf_pin pin = {
        .space = HF_OWN_SPACE,
        .addr = (const void *)(uintptr_t)address,
        .pages = 1,
        .flags = MEM_PIN_GET,
    };
    struct mem_pin_rep rep;

    fill(address);
    for (uint64_t i = 0; i < BYTES; i += 2 * piece) {
        EXPECT_ERR(hf_protect(HF_OWN_SPACE, address + i, piece, MEM_PROT_READ), ERR_OK);
    }
    const uint64_t pages = MEM_QUERY_REGIONS_MAX * piece / HF_PAGE_BYTES;
    expect_within("QUERY", ask_bytes(MEM_QUERY, address, MEM_QUERY_REGIONS_MAX, 0),
                  STAY + pages * QUERY_PAGE);
    EXPECT_ERR(hf_pin(&pin, &rep, NULL), ERR_OK);
    expect_within("QUERY beside a pin", ask_bytes(MEM_QUERY, address, MEM_QUERY_REGIONS_MAX, 0),
                  STAY + pages * QUERY_PINNED);
    EXPECT_ERR(hf_unpin(rep.pin, 0), ERR_OK);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, BYTES), ERR_OK);
}

/* A request that is judged in one message, and changes regions in others. */
static void expect_judged(const char *name, struct stay stay, uint64_t bytes)
{
    expect_within(name, stay, STAY + bytes / HF_PAGE_BYTES * JUDGE);
    EXPECT(stay.messages > 1);
}

static void expect_change(const char *name, uint64_t head, uint64_t bytes, uint64_t word)
{
    const uint64_t address = map_own();
    split(address);
    expect_judged(name, ask_bytes(head, address, bytes, word), bytes);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, BYTES), ERR_OK);
}

TAP_TEST(protecting_regions)
{
    expect_change("PROTECT of regions", MEM_PROTECT, BYTES, MEM_PROT_READ);
    expect_change("PROTECT of regions, LINUX", MEM_PROTECT | MEM_HEAD_LINUX, BYTES, MEM_PROT_READ);
}

TAP_TEST(advising_regions)
{
    expect_change("ADVISE of regions", MEM_ADVISE, BYTES, MEM_ADVISE_DONTFORK);
    expect_change("ADVISE of regions, LINUX", MEM_ADVISE | MEM_HEAD_LINUX, BYTES,
                  MEM_ADVISE_DONTFORK);
}

static void expect_lock(const char *name, uint64_t form)
{
    const uint64_t bytes = MEM_LOCKED_MAX_DEFAULT;
    const uint64_t address = map_own();

    tap_note("%s", name);
    split(address);
    expect_judged("LOCK of regions", ask_bytes(MEM_LOCK | form, address, bytes, MEM_LOCK_ONFAULT),
                  bytes);
    expect_judged("UNLOCK of regions", ask_bytes(MEM_UNLOCK | form, address, bytes, 0), bytes);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, BYTES), ERR_OK);
}

TAP_TEST(locking_regions)
{
    expect_lock("STRICT", 0);
    expect_lock("LINUX", MEM_HEAD_LINUX);
}

TAP_TEST(unlocking_everything)
{
    const uint64_t address = map_own();
    split(address);
    EXPECT_ERR(hf_lock(HF_OWN_SPACE, address, MEM_LOCKED_MAX_DEFAULT, MEM_LOCK_ONFAULT), ERR_OK);
    expect_judged("UNLOCK_ALL", ask((struct hf_message){.words = {MEM_UNLOCK_ALL}}), BYTES);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, address, BYTES), ERR_OK);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(the_last_handle_to_shared_memory),
        TAP(shared_memory_that_is_taken_out_or_becomes_shorter),
        TAP(the_last_mapping_of_shared_memory),
        TAP(the_last_mapping_of_shared_memory_replaced),
        TAP(private_memory_replaced),
        TAP(private_memory_replaced_and_populated),
        TAP(private_memory_moved),
        TAP(the_end_of_a_process_with_shared_memory),
        TAP(looking_at_regions),
        TAP(protecting_regions),
        TAP(advising_regions),
        TAP(locking_regions),
        TAP(unlocking_everything),
    };

    const char *role_opt = child_role(argc, argv);

    if (role_opt != NULL) {
        return strcmp(role_opt, "shared") == 0 ? role_shared() : 0;
    }
    return TAP_RUN(argc, argv, tests);
}
