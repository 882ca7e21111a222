/* SPDX-License-Identifier: MIT */
/*
 * A server in a thread: it adds two words and answers. A caller needs nothing but a handle to its
 * endpoint.
 */
#include <stdio.h>

#include <hf/mem.h>
#include <hf/thread.h>

static uint64_t endpoint;

static void serve(void *argument)
{
    (void)argument;
    struct hf_request request = {.badge = 0}; /* nobody is to be answered yet */
    while (hf_reply_wait(endpoint, &request) == ERR_OK) {
        uint64_t *words = request.message.words;
        words[0] = words[0] + words[1];
        request.message.tag = 0; /* no handles in the answer */
    }
}

int main(void)
{
    struct hf_thread thread;
    struct hf_message message = {.words = {19, 23}};
    if (hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT) != ERR_OK ||
        hf_object_make(OBJECT_ENDPOINT, 0, &endpoint) != ERR_OK ||
        hf_thread_run(&thread, PRIORITY_DEFAULT, serve, NULL) != ERR_OK ||
        hf_call(endpoint, &message) != ERR_OK) {
        return 1;
    }
    printf("19 and 23 make %lu\n", (unsigned long)message.words[0]);
    hf_object_destroy(endpoint); /* the server's wait ends, and its loop */
    hf_thread_join(&thread);
    return message.words[0] == 42 ? 0 : 1;
}
