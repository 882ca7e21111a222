/* SPDX-License-Identifier: MIT */
/*
 * Requests that go on: what the server answers when a request is about more than it may deal with
 * before its next message, and what is sent then.
 *
 * The answer has MORE for its error. Words 2 to 7 of it are words 0 to 5 of the message to be sent
 * next; words 6 and 7 and the handles in them are those of the message before. Word 1 counts
 * towards word 1 of the answer in the end: it is to be added to it. (The library does all that.)
 *
 * A request that is to be all or nothing has been judged, and done for everybody who could see it,
 * when the first such answer comes; nothing can refuse it any more. Until the last step the space
 * that it is about has no other request served and no fault: whoever has one makes a step, and
 * comes again. So it is up to nobody's good will that it ends.
 */
#pragma once

#include <stdint.h>

/* GO_ON: `what` says what the other two are. A client sends what it was told to. */
#define MEM_GO_ON_FINISH 0u /* first: a number. Answered when the work with this number is done */
#define MEM_GO_ON_POPULATE \
    1u                    /* first, second: a range, whose pages are made present if they can be */
#define MEM_GO_ON_LOCK 2u /* the same for LOCK in the LINUX form, which says what failed */
#define MEM_GO_ON_END  3u /* first: a number. Answered when the child with this number has ended */
#define MEM_GO_ON_BURY 4u /* first: a number. Answered when shared memory that went is given back */
struct mem_go_on_req {
    uint64_t head;
    uint64_t what;
    uint64_t first;
    uint64_t second;
    uint64_t reserved[2];
    uint64_t object; /* as in the request before, which may have had one; not looked at */
    uint64_t space;
};

/* An answer that says MORE. */
struct mem_more_rep {
    uint64_t error;
    uint64_t value;
    uint64_t words[6];
};
