/* SPDX-License-Identifier: MIT */
/*
 * The auxiliary vector on the stack of a program that starts.
 *
 * The stack is that of the System V ABI: argc, argv and a null, envp and a null, then pairs of type
 * and value up to HF_AT_NULL; strings and random bytes above. Types that the ABI has keep its
 * numbers; ours start at 0x48460000.
 */
#pragma once

#define HF_AT_NULL   0
#define HF_AT_PHDR   3  /* address of the program headers */
#define HF_AT_PHENT  4  /* bytes of one */
#define HF_AT_PHNUM  5  /* how many */
#define HF_AT_PAGESZ 6  /* bytes of a page */
#define HF_AT_ENTRY  9  /* where the program was entered */
#define HF_AT_RANDOM 25 /* address of 16 random bytes */
#define HF_AT_EXECFN 31 /* name of the program's file */

#define HF_AT_MESSAGE_PAGE   0x48460001 /* address of the first thread's message page */
#define HF_AT_SPACE_ID       0x48460002 /* number of the space: getpid() */
#define HF_AT_TIMEBASE       0x48460003 /* ticks of the time CSR in a second */
#define HF_AT_ARCHIVE        0x48460004 /* boot archive, mapped read-only; absent: none */
#define HF_AT_ARCHIVE_BYTES  0x48460005
#define HF_AT_ARCHIVE_OBJECT 0x48460006 /* handle to its object, for the program's children */
#define HF_AT_CONSOLE        0x48460007 /* handle to the console; absent: none */
#define HF_AT_NAMES          0x48460008 /* handle to the name service; absent: none */
#define HF_AT_FILES          0x48460009 /* handle to the file system; absent: none */
