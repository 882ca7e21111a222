/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <string.h>

#include <hf/mem.h>

STATIC_ASSERT(sizeof(struct console_write_req) == sizeof(uint64_t[IPC_WORDS]), "as it travels");

static void answer_error(struct hf_message *message, enum err error)
{
    *message = (struct hf_message){.words = {error}};
}

static bool is_behind(const struct hf_request *request)
{
    return request->badge == CONSOLE_BADGE_BEHIND;
}

static bool queue_add(struct serve_queue *queue, const struct hf_request *request)
{
    if (queue->count >= (is_behind(request) ? SERVE_BEHIND_MAX : SERVE_WAITERS_MAX)) {
        return false;
    }
    queue->waiters[queue->count++] = (struct serve_waiter){
        .token = request->token, .message = request->message, .is_behind = is_behind(request)};
    return true;
}

/* Answer one of a queue, who leaves it. Returns: whether he was still there. */
static bool queue_answer_at(struct serve_queue *queue, unsigned at,
                            const struct hf_message *message)
{
    const struct hf_request answer = {.token = queue->waiters[at].token, .message = *message};
    queue->count--;
    memmove(&queue->waiters[at], &queue->waiters[at + 1],
            (queue->count - at) * sizeof(queue->waiters[0]));
    return hf_reply(answer) == ERR_OK;
}

/* The same with the first. */
static bool queue_answer(struct serve_queue *queue, const struct hf_message *message)
{
    return queue_answer_at(queue, 0, message);
}

/* Answer everybody that what he waited for has come. */
static void queue_answer_all(struct serve_queue *queue)
{
    struct hf_message done;
    answer_error(&done, ERR_OK);
    while (queue->count > 0) {
        (void)queue_answer(queue, &done);
    }
}

/* Take a write if what it has to show finds room. */
static bool output_write(struct serve *serve, const struct hf_token *token,
                         const struct hf_message *message)
{
    struct console_write_req request;
    memcpy(&request, message->words, sizeof(request));
    return output_take(&serve->output, token->thread, (enum console_part)request.part,
                       request.bytes, request.length);
}

/* Send what the device takes, and have it interrupt if something is left. */
static void output_send(struct serve *serve)
{
    struct uart *uart = &serve->uart;
    struct hf_message done;
    bool is_full = false;

    do {
        while (ring_count(&serve->output.ring) > 0 && !is_full) {
            is_full = !uart->kind->put(uart, ring_first(&serve->output.ring));
            if (!is_full) {
                ring_drop(&serve->output.ring);
            }
        }
        const struct serve_waiter *writer = &serve->writers.waiters[0];
        if (serve->writers.count == 0 || !output_write(serve, &writer->token, &writer->message)) {
            break;
        }
        answer_error(&done, ERR_OK);
        (void)queue_answer(&serve->writers, &done);
    } while (true);
    uart->kind->want_room(uart, is_full);
    if (ring_count(&serve->output.ring) == 0) {
        queue_answer_all(&serve->drains);
    }
}

/* The answer to a read of which something is there. */
static struct hf_message read_answer(const struct serve *serve, const struct hf_message *message)
{
    struct console_read_req request;
    struct console_read_rep rep = {.error = ERR_OK};
    struct hf_message answer = {.tag = 0};
    memcpy(&request, message->words, sizeof(request));
    rep.length = (uint32_t)line_peek(&serve->line, rep.bytes, request.length);
    memcpy(answer.words, &rep, sizeof(rep));
    return answer;
}

static uint32_t read_length(const struct hf_message *answer)
{
    return (uint32_t)(answer->words[0] >> 32);
}

/* Answer readers as long as there is something for them. */
static void input_deliver(struct serve *serve)
{
    while (serve->readers.count > 0 && line_is_ready(&serve->line)) {
        const struct hf_message answer = read_answer(serve, &serve->readers.waiters[0].message);
        if (queue_answer(&serve->readers, &answer)) {
            line_drop(&serve->line, read_length(&answer));
        }
    }
}

static void echo_show(void *context, const char *bytes, size_t length)
{
    output_echo(context, bytes, length);
}

static void input_take(struct serve *serve)
{
    const struct line_echo echo = {echo_show, &serve->output};
    char byte;
    while (serve->uart.kind->get(&serve->uart, &byte)) {
        if (line_type(&serve->line, byte, &echo) == LINE_INTERRUPT) {
            queue_answer_all(&serve->interrupts);
        }
    }
}

void serve_device(struct serve *serve)
{
    input_take(serve);
    input_deliver(serve);
    output_send(serve);
}

static bool is_zero(const struct hf_message *message, unsigned first)
{
    uint64_t all = 0;
    for (unsigned i = first; i < IPC_WORDS; i++) {
        all |= message->words[i];
    }
    return all == 0;
}

/* Keep who cannot be answered yet, or refuse him. Returns: whether there is an answer. */
static bool hold(struct serve_queue *queue, struct hf_request *request)
{
    if (queue_add(queue, request)) {
        return false;
    }
    answer_error(&request->message, ERR_BUSY);
    return true;
}

static bool serve_write(struct serve *serve, struct hf_request *request)
{
    struct console_write_req req;
    memcpy(&req, request->message.words, sizeof(req));
    if (req.length > CONSOLE_BYTES_MAX || req.part > CONSOLE_LAST) {
        answer_error(&request->message, ERR_INVAL);
        return true;
    }
    if (serve->writers.count > 0 || !output_write(serve, &request->token, &request->message)) {
        return hold(&serve->writers, request);
    }
    output_send(serve);
    answer_error(&request->message, ERR_OK);
    return true;
}

static bool serve_read(struct serve *serve, struct hf_request *request)
{
    const uint64_t length = request->message.words[0] >> 32;
    if (length == 0 || length > CONSOLE_BYTES_MAX || !is_zero(&request->message, 1)) {
        answer_error(&request->message, ERR_INVAL);
        return true;
    }
    if (is_behind(request)) {
        answer_error(&request->message, ERR_OK); /* length 0 */
        return true;
    }
    /* Always by the queue: only there it is known whether the answer was delivered. */
    if (hold(&serve->readers, request)) {
        return true;
    }
    input_deliver(serve);
    return false;
}

static bool serve_mode(struct serve *serve, struct hf_request *request)
{
    const uint64_t mode = request->message.words[0] >> 32;
    if (mode > CONSOLE_KEYS || !is_zero(&request->message, 1)) {
        answer_error(&request->message, ERR_INVAL);
        return true;
    }
    if (is_behind(request)) {
        answer_error(&request->message, ERR_PERM);
        return true;
    }
    line_set_mode(&serve->line, (enum console_mode)mode);
    input_deliver(serve);
    answer_error(&request->message, ERR_OK);
    return true;
}

/* INTERRUPT, DRAIN. */
static bool serve_wait(struct serve_queue *queue, struct hf_request *request)
{
    if (request->message.words[0] >> 32 != 0 || !is_zero(&request->message, 1)) {
        answer_error(&request->message, ERR_INVAL);
        return true;
    }
    return hold(queue, request);
}

/*
 * Of programs behind those wait that have asked last: nobody knows of the others whether they are
 * still there before ^C is typed.
 */
static bool serve_interrupt(struct serve *serve, struct hf_request *request)
{
    struct serve_queue *queue = &serve->interrupts;
    struct hf_message busy;

    answer_error(&busy, ERR_BUSY);
    if (is_behind(request) && queue->count >= SERVE_BEHIND_MAX) {
        unsigned at = 0;
        while (at < queue->count && !queue->waiters[at].is_behind) {
            at++;
        }
        if (at < queue->count) {
            (void)queue_answer_at(queue, at, &busy);
        }
    }
    return serve_wait(queue, request);
}

static bool serve_drain(struct serve *serve, struct hf_request *request)
{
    const bool is_answered = serve_wait(&serve->drains, request);
    output_send(serve);
    return is_answered;
}

static bool serve_behind(const struct serve *serve, struct hf_request *request)
{
    if (request->message.words[0] >> 32 != 0 || !is_zero(&request->message, 1)) {
        answer_error(&request->message, ERR_INVAL);
    } else {
        request->message = (struct hf_message){
            .tag = HF_HANDLE_AT(HF_WORD(console_behind_rep, handle)),
            .words = {ERR_OK, serve->behind},
        };
    }
    return true;
}

bool serve_request(struct serve *serve, struct hf_request *request)
{
    request->message.tag = 0;
    switch ((uint32_t)request->message.words[0]) {
    case CONSOLE_WRITE:
        return serve_write(serve, request);
    case CONSOLE_READ:
        return serve_read(serve, request);
    case CONSOLE_MODE:
        return serve_mode(serve, request);
    case CONSOLE_INTERRUPT:
        return serve_interrupt(serve, request);
    case CONSOLE_DRAIN:
        return serve_drain(serve, request);
    case CONSOLE_BEHIND:
        return serve_behind(serve, request);
    default: /* a number from outside, not an enum */
        answer_error(&request->message, ERR_NOSYS);
        return true;
    }
}
