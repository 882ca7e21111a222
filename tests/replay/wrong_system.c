/* SPDX-License-Identifier: MIT */
/*
 * A system that gets one thing wrong, or does one thing in its own way: which one, the environment
 * variable WRONG_SYSTEM says. The linker puts these functions between replay and the C library
 * (--wrap), so that replay's checks can be seen to find something.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool __real_regions_count(uint64_t start, uint64_t end, uint64_t *count);
bool __wrap_regions_count(uint64_t start, uint64_t end, uint64_t *count);
int __real_madvise(void *address, size_t length, int advice);
int __wrap_madvise(void *address, size_t length, int advice);
int __real_mprotect(void *address, size_t length, int prot);
int __wrap_mprotect(void *address, size_t length, int prot);
int __real_munmap(void *address, size_t length);
int __wrap_munmap(void *address, size_t length);
void *__real_mmap(void *address, size_t length, int prot, int flags, int file, off_t offset);
void *__wrap_mmap(void *address, size_t length, int prot, int flags, int file, off_t offset);
void *__real_mremap(void *address, size_t length, size_t length_new, int flags, void *address_new);
void *__wrap_mremap(void *address, size_t length, size_t length_new, int flags, ...);

static bool wrong_is(const char *name)
{
    const char *wanted = getenv("WRONG_SYSTEM");

    return wanted != NULL && strcmp(wanted, name) == 0;
}

bool __wrap_regions_count(uint64_t start, uint64_t end, uint64_t *count)
{
    bool is_known = __real_regions_count(start, end, count);

    /* As a system would that joins nothing. */
    *count += wrong_is("keeps too many regions") ? 100 : 0;
    return is_known;
}

int __wrap_madvise(void *address, size_t length, int advice)
{
    return wrong_is("drops nothing") ? 0 : __real_madvise(address, length, advice);
}

int __wrap_mprotect(void *address, size_t length, int prot)
{
    if (wrong_is("refuses protect")) {
        errno = EACCES;
        return -1;
    }
    int result = __real_mprotect(address, length, prot);
    if (wrong_is("scribbles in pages that it protects") && (prot & PROT_WRITE) != 0) {
        memset((char *)address + 8, 1, 1000);
    }
    return result;
}

int __wrap_munmap(void *address, size_t length)
{
    if (wrong_is("refuses unmap")) {
        errno = ENOMEM;
        return -1;
    }
    return __real_munmap(address, length);
}

/* Put a map where it touches no other. */
static void *wrong_map_apart(void *answer, size_t length)
{
    size_t gap = 65536;
    char *room = __real_mmap(NULL, length + 2 * gap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (room == MAP_FAILED) {
        return MAP_FAILED;
    }
    return __real_mremap(answer, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, room + gap);
}

void *__wrap_mmap(void *address, size_t length, int prot, int flags, int file, off_t offset)
{
    static void *answer_before;
    bool is_free_choice = (flags & MAP_FIXED) == 0 && (prot & PROT_WRITE) != 0;
    void *answer = __real_mmap(address, length, prot, flags, file, offset);

    if (answer == MAP_FAILED || !is_free_choice) {
        return answer;
    }
    if (wrong_is("keeps maps apart")) {
        return wrong_map_apart(answer, length);
    }
    if (wrong_is("maps old contents")) {
        memset(answer, 0x55, length);
    }
    if (wrong_is("answers in a page")) {
        return (char *)answer + 16;
    }
    if (wrong_is("answers memory in use") && answer_before != NULL) {
        return answer_before;
    }
    if (wrong_is("refuses map")) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    answer_before = answer;
    return answer;
}

void *__wrap_mremap(void *address, size_t length, size_t length_new, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    void *address_new = (flags & MREMAP_FIXED) != 0 ? va_arg(arguments, void *) : NULL;
    va_end(arguments);
    if (wrong_is("grows nothing in place") && length_new > length &&
        (flags & MREMAP_MAYMOVE) == 0) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    void *answer = __real_mremap(address, length, length_new, flags, address_new);
    if (wrong_is("moves no contents")) {
        (void)__real_madvise(answer, length_new, MADV_DONTNEED);
    }
    if (wrong_is("moves pages in another order")) {
        char *pages = answer;
        char page[4096];

        memcpy(page, pages, sizeof page);
        memcpy(pages, pages + sizeof page, sizeof page);
        memcpy(pages + sizeof page, page, sizeof page);
    }
    return answer;
}
