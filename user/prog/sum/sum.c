/* SPDX-License-Identifier: MIT */
/*
 * A server: it adds two words and answers. Whoever asks the name service for "sum" can call it.
 */
#include <stdio.h>

#include <hf/error.h>
#include <hf/mem.h>
#include <hf/name.h>

/* An endpoint needs memory in the kernel, which the memory server has to donate. */
static enum err make_endpoint(uint64_t *endpoint)
{
    enum err error = hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT);
    return error == ERR_OK ? hf_object_make(OBJECT_ENDPOINT, 0, endpoint) : error;
}

int main(void)
{
    uint64_t endpoint = 0;
    struct hf_request request = {.badge = 0}; /* nobody is to be answered yet */
    enum err error = make_endpoint(&endpoint);
    if (error == ERR_OK) {
        error = hf_name_register("sum", endpoint);
    }
    while (error == ERR_OK || error == ERR_STALE) {
        uint64_t *words = request.message.words;
        if (error == ERR_STALE) {
            request.token.serial = 0; /* who was to be answered has gone */
        }
        words[0] = words[0] + words[1];
        request.message.tag = 0; /* no handles in the answer */
        error = hf_reply_wait(endpoint, &request);
    }
    printf("sum: %s\n", hf_strerror(error));
    return 1;
}
