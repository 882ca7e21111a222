/* SPDX-License-Identifier: MIT */
#include <hf/env.h>

#include <string.h>

#include <base/assert.h>
#include <hf/kernel.h>

/* From the linker script: initial values of thread-local variables, and the first thread's
 * block. */
extern const char hf_tls_image[];
extern const char hf_tls_image_end[];
extern const char hf_tls_block[];
extern const char hf_tls_block_end[];

static struct hf_env the_env;
static _Thread_local void *message_page;

const struct hf_env *hf_env(void)
{
    return &the_env;
}

void hf_env_set(const struct hf_env *env)
{
    the_env = *env;
}

void *hf_message_page(void)
{
    return message_page;
}

void hf_message_page_set(void *page)
{
    message_page = page;
}

uint64_t hf_thread_block_bytes(void)
{
    return (uint64_t)(hf_tls_block_end - hf_tls_block);
}

void hf_thread_init(void *page)
{
    char *block;
    __asm__("mv %0, tp" : "=r"(block));
    memcpy(block, hf_tls_image, (size_t)(hf_tls_image_end - hf_tls_image));
    hf_message_page_set(page);
    enum err error = hf_accept(HF_ACCEPT_FIRST, HF_ACCEPT_COUNT);
    ASSERT(error == ERR_OK);
}
