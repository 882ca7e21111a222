/* SPDX-License-Identifier: MIT */
#include "server/core/op_copy.h"

#include <base/assert.h>

#include "server/core/fault.h"

/* One side of a copy: a page made present. */
struct copy_page {
    pfn_t frame;
    uint32_t offset;
};

/* Make the page that holds `address` present for `access`, in the page table too. */
static enum err copy_touch(struct core *core, struct space *space, uint64_t address,
                           uint32_t access, struct copy_page *page)
{
    vpn_t vpn = uaddr_to_vpn((uaddr_t){address});
    struct fault_answer answer = {0};
    uint32_t number;
    enum fault_outcome outcome = fault_handle(core, space, vpn, access, &answer);

    switch (outcome) {
    case FAULT_READY:
        if (answer.how == PORT_DEVICE) {
            return limit_refuse(space, ERR_FAULT);
        }
        break;
    case FAULT_NO_REGION:
    case FAULT_DENIED:
    case FAULT_PAST_END:
        return limit_refuse(space, ERR_FAULT);
    case FAULT_NO_FRAME:
        return limit_refuse_frames(core, space, 1);
    }
    bool is_user = vpn_to_page(vpn, &number);

    ASSERT(is_user);
    /* A page that was present keeps its frame; whether it is mapped does not matter here. */
    if (answer.how != PORT_AS_IS || answer.is_new) {
        fault_install(core, space, number, &answer);
    }
    page->frame = answer.frame;
    page->offset = (uint32_t)(address & PAGE_MASK);
    return ERR_OK;
}

static uint64_t copy_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

enum err op_copy(struct core *core, const struct copy_request *request, uint64_t *copied)
{
    uint64_t done = 0;
    enum err error = ERR_OK;

    limit_begin(request->from);
    limit_begin(request->to);
    while (done < request->length) {
        uint64_t from_address = uaddr_to_bytes(request->from_address) + done;
        uint64_t to_address = uaddr_to_bytes(request->to_address) + done;
        struct copy_page from;
        struct copy_page to;

        /* The write side first: it may give the page that is read a frame of its own. */
        error = copy_touch(core, request->to, to_address, MEM_PROT_WRITE, &to);
        if (error == ERR_OK) {
            error = copy_touch(core, request->from, from_address, MEM_PROT_READ, &from);
        }
        if (error != ERR_OK) {
            break;
        }
        uint64_t part = copy_least(PAGE_SIZE - to.offset, PAGE_SIZE - from.offset);

        part = copy_least(part, request->length - done);
        port_copy(core->port, to.frame, to.offset, from.frame, from.offset, (uint32_t)part);
        done += part;
    }
    *copied = done;
    return error;
}
