/* SPDX-License-Identifier: MIT */
#include "server/shell/wire.h"

#include <base/bits.h>
#include <mem/limits.h>

#define WORD_OBJECT 6
#define WORD_SPACE  7

/* Requests have numbers below this; the list says which of them exist. */
#define NUMBERS 64

#define REQUEST(name, number, function, summary) \
    STATIC_ASSERT((number) < NUMBERS, "each request has a bit");
#include <mem/proto.def>
#undef REQUEST

static const uint64_t features = 0
#define REQUEST(name, number, function, summary) | BIT(number)
#include <mem/proto.def>
#undef REQUEST
    ;

/* Requests with word 7 for a space. */
static const uint64_t with_space =
    BIT(MEM_MAP) | BIT(MEM_UNMAP) | BIT(MEM_PROTECT) | BIT(MEM_REMAP) | BIT(MEM_ADVISE) |
    BIT(MEM_QUERY) | BIT(MEM_COPY) | BIT(MEM_LIMITS) | BIT(MEM_SPACE_END) | BIT(MEM_THREAD_MAKE) |
    BIT(MEM_DONATE) | BIT(MEM_LOCK) | BIT(MEM_UNLOCK) | BIT(MEM_LOCK_ALL) | BIT(MEM_UNLOCK_ALL) |
    BIT(MEM_INCORE) | BIT(MEM_SYNC) | BIT(MEM_OBJECT_HOLD) | BIT(MEM_CLONE) | BIT(MEM_BATCH) |
    BIT(MEM_SPACE_DERIVE) | BIT(MEM_HANDLES) | BIT(MEM_PIN) | BIT(MEM_PINS) | BIT(MEM_GO_ON);

/* Requests with word 6 for an object. */
static const uint64_t with_object =
    BIT(MEM_MAP) | BIT(MEM_OBJECT_RESIZE) | BIT(MEM_OBJECT_INFO) | BIT(MEM_OBJECT_SEAL) |
    BIT(MEM_OBJECT_DERIVE) | BIT(MEM_OBJECT_HOLD) | BIT(MEM_OBJECT_CLOSE) | BIT(MEM_OBJECT_COPY) |
    BIT(MEM_OBJECT_NAME) | BIT(MEM_OBJECT_SLICE) | BIT(MEM_PIN) | BIT(MEM_PINS) |
    BIT(MEM_DEVICE_RESET) | BIT(MEM_GO_ON) | BIT(MEM_PAGER_OBJECT) | BIT(MEM_PAGER_NEXT) |
    BIT(MEM_PAGER_SUPPLY) | BIT(MEM_PAGER_FAIL) | BIT(MEM_PAGER_WROTE) | BIT(MEM_PAGER_ATTACH) |
    BIT(MEM_PAGER_ADOPT) | BIT(MEM_SWAP);

uint64_t wire_features(void)
{
    return features;
}

enum err wire_head(const struct message *message, enum mem_request *number, bool *is_linux)
{
    const uint64_t head = message->words[0];
    const uint64_t asked = head & MEM_HEAD_NUMBER;
    const uint64_t handles = bits_get(message->tag, IPC_TAG_HANDLES_SHIFT, 8);

    if (asked >= NUMBERS || (features >> asked & 1) == 0) {
        return ERR_NOSYS;
    }
    if ((head & ~MEM_HEAD_LEGAL) != 0) {
        return ERR_INVAL;
    }
    if (UNLIKELY(handles != 0)) {
        const uint64_t allowed =
            (with_space >> asked & 1) << WORD_SPACE | (with_object >> asked & 1) << WORD_OBJECT;
        if ((handles & ~allowed) != 0) {
            return ERR_INVAL;
        }
        if (handles != bits_get(message->tag, IPC_TAG_BADGES_SHIFT, 8)) {
            return ERR_BADF;
        }
    }
    *number = (enum mem_request)asked;
    *is_linux = (head & MEM_HEAD_LINUX) != 0;
    return ERR_OK;
}

/* The words from `first` on that are before the space are all zero. */
static inline bool is_reserved_zero(const struct message *message, unsigned first)
{
    uint64_t all = 0;

    for (unsigned i = first; i < WORD_SPACE; i++) {
        all |= message->words[i];
    }
    return all == 0;
}

/* A word for a handle, which nothing but a handle may fill. */
static inline bool is_handle_or_zero(const struct message *message, unsigned word)
{
    return LIKELY(message->words[word] == 0) ||
           (message->tag >> (IPC_TAG_HANDLES_SHIFT + word) & 1) != 0;
}

/* What all requests with a space have in common: reserved words from `first` on, and the space. */
static inline enum err check_tail(const struct message *message, unsigned first)
{
    if (UNLIKELY(!is_reserved_zero(message, first))) {
        return ERR_INVAL;
    }
    return is_handle_or_zero(message, WORD_SPACE) ? ERR_OK : ERR_BADF;
}

static inline uaddr_t address(uint64_t word)
{
    return (uaddr_t){word};
}

enum err wire_map(const struct message *message, struct wire_map *out)
{
    const uint64_t *words = message->words;

    if (words[5] != 0) {
        return ERR_INVAL;
    }
    if (!is_handle_or_zero(message, WORD_SPACE)) {
        return ERR_BADF;
    }
    out->map.address = address(words[1]);
    out->map.length = words[2];
    out->map.prot = (uint32_t)words[3];
    out->map.flags = (uint32_t)(words[3] >> 32);
    out->map.offset = words[4];
    /* A bad handle is judged in its turn (R2), and not looked at without need. */
    out->object = is_handle_or_zero(message, WORD_OBJECT) ? words[WORD_OBJECT] : 0;
    out->space = words[WORD_SPACE];
    return ERR_OK;
}

enum err wire_unmap(const struct message *message, struct wire_range *out)
{
    enum err error = check_tail(message, 3);
    if (error != ERR_OK) {
        return error;
    }
    *out = (struct wire_range){address(message->words[1]), message->words[2],
                               message->words[WORD_SPACE]};
    return ERR_OK;
}

enum err wire_protect(const struct message *message, struct wire_protect *out)
{
    enum err error = check_tail(message, 4);
    if (error != ERR_OK) {
        return error;
    }
    if (message->words[3] > UINT32_MAX) {
        return ERR_INVAL;
    }
    out->protect.address = address(message->words[1]);
    out->protect.length = message->words[2];
    out->protect.prot = (uint32_t)message->words[3];
    out->space = message->words[WORD_SPACE];
    return ERR_OK;
}

enum err wire_remap(const struct message *message, struct wire_remap *out)
{
    enum err error = check_tail(message, 6);
    if (error != ERR_OK) {
        return error;
    }
    if (message->words[4] > UINT32_MAX) {
        return ERR_INVAL;
    }
    out->remap.address = address(message->words[1]);
    out->remap.length_old = message->words[2];
    out->remap.length_new = message->words[3];
    out->remap.flags = (uint32_t)message->words[4];
    out->remap.target = address(message->words[5]);
    out->space = message->words[WORD_SPACE];
    return ERR_OK;
}

enum err wire_advise(const struct message *message, struct wire_advise *out)
{
    enum err error = check_tail(message, 5);
    if (error != ERR_OK) {
        return error;
    }
    const uint64_t has_hole_max = (message->words[0] & MEM_HEAD_LINUX) != 0 ? 1 : 0;
    if (message->words[3] > UINT32_MAX || message->words[4] > has_hole_max) {
        return ERR_INVAL;
    }
    out->advise.address = address(message->words[1]);
    out->advise.length = message->words[2];
    out->advise.advice = (uint32_t)message->words[3];
    out->advise.has_hole = message->words[4] != 0;
    out->space = message->words[WORD_SPACE];
    return ERR_OK;
}

/* What a dry run carries over, and where it goes on. */
static void read_carried(const struct message *message, uint64_t progress, struct wire_lock *out)
{
    out->progress = progress;
    out->cost = (struct lock_cost){.frames = message->words[5], .charged = message->words[4] >> 32};
}

enum err wire_lock(const struct message *message, struct wire_lock *out)
{
    const bool is_dry = (message->words[3] & MEM_LOCK_DRY) != 0;
    enum err error = check_tail(message, is_dry ? 6 : 5);
    if (error != ERR_OK) {
        return error;
    }
    const uint64_t progress = is_dry ? (uint32_t)message->words[4] : message->words[4];
    if (message->words[3] > UINT32_MAX || progress > RANGE_PAGES ||
        message->words[5] > UINT32_MAX) {
        return ERR_INVAL;
    }
    read_carried(message, progress, out);
    out->lock.address = address(message->words[1]);
    out->lock.length = message->words[2];
    out->lock.flags = (uint32_t)message->words[3];
    out->space = message->words[WORD_SPACE];
    return ERR_OK;
}

enum err wire_lock_all(const struct message *message, struct wire_lock *out)
{
    const bool is_dry = (message->words[1] & MEM_LOCK_DRY) != 0;
    enum err error = check_tail(message, is_dry ? 6 : 2);
    if (error != ERR_OK) {
        return error;
    }
    const uint64_t progress = (uint32_t)message->words[4];
    if ((message->words[2] | message->words[3]) != 0 || message->words[1] > UINT32_MAX ||
        progress > RANGE_PAGES || message->words[5] > UINT32_MAX) {
        return ERR_INVAL;
    }
    read_carried(message, progress, out);
    out->lock = (struct lock_request){.flags = (uint32_t)message->words[1]};
    out->space = message->words[WORD_SPACE];
    return ERR_OK;
}

enum err wire_unlock(const struct message *message, struct wire_lock *out)
{
    return (message->words[3] | message->words[4]) != 0 ? ERR_INVAL : wire_lock(message, out);
}

enum err wire_go_on(const struct message *message, struct wire_go_on *out)
{
    const uint64_t *words = message->words;

    if ((words[4] | words[5]) != 0 || words[1] > MEM_GO_ON_BURY) {
        return ERR_INVAL;
    }
    if (!is_handle_or_zero(message, WORD_OBJECT) || !is_handle_or_zero(message, WORD_SPACE)) {
        return ERR_BADF;
    }
    *out = (struct wire_go_on){words[1], words[2], words[3], words[WORD_SPACE]};
    return ERR_OK;
}

enum err wire_sync(const struct message *message, struct wire_sync *out)
{
    enum err error = check_tail(message, 4);
    if (error != ERR_OK) {
        return error;
    }
    if (message->words[3] > UINT32_MAX) {
        return ERR_INVAL;
    }
    out->sync.address = address(message->words[1]);
    out->sync.length = message->words[2];
    out->sync.flags = (uint32_t)message->words[3];
    out->space = message->words[WORD_SPACE];
    return ERR_OK;
}

enum err wire_space(const struct message *message, uint64_t *space)
{
    enum err error = check_tail(message, 1);
    if (error == ERR_OK) {
        *space = message->words[WORD_SPACE];
    }
    return error;
}

enum err wire_query(const struct message *message, struct wire_query *out)
{
    enum err error = check_tail(message, 3);
    if (error != ERR_OK) {
        return error;
    }
    if (message->words[2] > MEM_QUERY_REGIONS_MAX) {
        return ERR_INVAL;
    }
    *out = (struct wire_query){address(message->words[1]), (uint32_t)message->words[2],
                               message->words[WORD_SPACE]};
    return ERR_OK;
}

enum err wire_copy(const struct message *message, struct wire_copy *out)
{
    enum err error = check_tail(message, 5);
    if (error != ERR_OK) {
        return error;
    }
    if (message->words[3] > MEM_COPY_BYTES_MAX ||
        message->words[4] > (MEM_COPY_FROM | MEM_COPY_NOWAIT)) {
        return ERR_INVAL;
    }
    *out = (struct wire_copy){
        .own = address(message->words[1]),
        .other = address(message->words[2]),
        .length = message->words[3],
        .is_to_other = (message->words[4] & MEM_COPY_FROM) == 0,
        .is_nowait = (message->words[4] & MEM_COPY_NOWAIT) != 0,
        .space = message->words[WORD_SPACE],
    };
    return ERR_OK;
}

enum err wire_limits(const struct message *message, struct wire_limits *out)
{
    const uint64_t *words = message->words;

    enum err error = check_tail(message, 6);
    if (error != ERR_OK) {
        return error;
    }
    if (words[1] != MEM_LIMIT_REGIONS && words[1] != MEM_LIMIT_PAGES &&
        words[1] != MEM_LIMIT_DATA && words[1] != MEM_LIMIT_LOCKED && words[1] != MEM_LIMIT_STACK &&
        words[1] != MEM_LIMIT_BUDGET && words[1] != MEM_LIMIT_COMMIT) {
        return ERR_INVAL;
    }
    if (words[2] > MEM_LIMITS_SET || (words[2] == MEM_LIMITS_READ && words[3] != 0) ||
        (words[2] != MEM_LIMITS_SET && words[4] != 0) || words[5] > MEM_LIMITS_BYTES) {
        return ERR_INVAL;
    }
    out->limits = (struct limits_request){
        .which = (enum mem_limit)words[1],
        .is_set = words[2] != MEM_LIMITS_READ,
        .in_bytes = words[5] == MEM_LIMITS_BYTES,
        .value = words[3],
        .ceiling = words[2] == MEM_LIMITS_LOWER ? words[3] : words[4],
    };
    out->space = words[WORD_SPACE];
    return ERR_OK;
}

/* What SPACE_MAKE and CLONE have in common. */
static enum err read_made(const struct message *message, struct wire_space_make *out)
{
    struct wire_space_make made = {
        .frames_max = message->words[1],
        .priority_max = message->words[4],
    };
    bool is_ended = false;

    for (unsigned i = 0; i < sizeof(made.name); i++) {
        made.name[i] = (char)(message->words[2 + i / 8] >> (i % 8 * 8));
        if (is_ended && made.name[i] != '\0') {
            return ERR_INVAL;
        }
        is_ended = is_ended || made.name[i] == '\0';
    }
    if (!is_ended) {
        return ERR_INVAL;
    }
    *out = made;
    return ERR_OK;
}

enum err wire_space_make(const struct message *message, struct wire_space_make *out)
{
    const uint64_t privileges = message->words[5];

    if (!is_reserved_zero(message, 6) || message->words[WORD_SPACE] != 0 ||
        (privileges & ~(uint64_t)MEM_PRIVILEGES) != 0 || read_made(message, out) != ERR_OK) {
        return ERR_INVAL;
    }
    out->privileges = privileges;
    return ERR_OK;
}

enum err wire_clone(const struct message *message, struct wire_space_make *out)
{
    enum err error = check_tail(message, 5);

    if (error == ERR_OK) {
        error = read_made(message, out);
    }
    if (error != ERR_OK) {
        return error;
    }
    out->space = message->words[WORD_SPACE];
    return ERR_OK;
}

enum err wire_number(const struct message *message, struct wire_number *out)
{
    enum err error = check_tail(message, 2);
    if (error != ERR_OK) {
        return error;
    }
    *out = (struct wire_number){message->words[1], message->words[WORD_SPACE]};
    return ERR_OK;
}

enum err wire_next(const struct message *message, bool *is_nowait)
{
    if (!is_reserved_zero(message, 2) || message->words[WORD_SPACE] != 0 || message->words[1] > 1) {
        return ERR_INVAL;
    }
    *is_nowait = message->words[1] == 1;
    return ERR_OK;
}

enum err wire_index(const struct message *message, uint64_t *index)
{
    if (!is_reserved_zero(message, 2) || message->words[WORD_SPACE] != 0) {
        return ERR_INVAL;
    }
    *index = message->words[1];
    return ERR_OK;
}

enum err wire_hello(const struct message *message)
{
    if (!is_reserved_zero(message, 2) || message->words[WORD_SPACE] != 0) {
        return ERR_INVAL;
    }
    return message->words[1] == MEM_PROTOCOL_VERSION ? ERR_OK : ERR_OPNOTSUPP;
}

enum err wire_bare(const struct message *message)
{
    return is_reserved_zero(message, 1) && message->words[WORD_SPACE] == 0 ? ERR_OK : ERR_INVAL;
}

enum err wire_stats(const struct message *message, uint32_t *which)
{
    if (!is_reserved_zero(message, 2) || message->words[WORD_SPACE] != 0 ||
        message->words[1] > MEM_STATS_RESERVE) {
        return ERR_INVAL;
    }
    *which = (uint32_t)message->words[1];
    return ERR_OK;
}

enum err wire_commit(const struct message *message, struct commit_request *out)
{
    const uint64_t *words = message->words;

    if (!is_reserved_zero(message, 4) || words[WORD_SPACE] != 0 || words[1] > 1 ||
        (words[1] == 0 && (words[2] != 0 || words[3] != 0))) {
        return ERR_INVAL;
    }
    *out = (struct commit_request){.is_set = words[1] == 1, .mode = words[2], .percent = words[3]};
    return ERR_OK;
}

enum err wire_huge(const struct message *message, struct huge_request *out)
{
    const uint64_t *words = message->words;

    if (!is_reserved_zero(message, 4) || words[WORD_SPACE] != 0 || words[1] > 1 ||
        (words[1] == 0 && words[3] != 0)) {
        return ERR_INVAL;
    }
    *out = (struct huge_request){.is_set = words[1] == 1, .bytes = words[2], .pages = words[3]};
    return ERR_OK;
}
