/* SPDX-License-Identifier: MIT */
/*
 * Numbers that guest_hand.S and guest_hand.c share; the latter asserts that they are what abi/ has.
 */
#pragma once

/* Kernel calls. */
#define HAND_SYS_CALL          1
#define HAND_SYS_EXIT          11
#define HAND_SYS_UPCALL_SET    21
#define HAND_SYS_UPCALL_RESUME 22

/* The handle that the hand calls. */
#define HAND_SLOT 8

/* Jobs. */
#define HAND_READ  0
#define HAND_WRITE 1
#define HAND_EXEC  2

/* Of struct upcall_context: s2..s5 and s8, pc, access. */
#define HAND_CONTEXT_S2     144
#define HAND_CONTEXT_S3     152
#define HAND_CONTEXT_S4     160
#define HAND_CONTEXT_S5     168
#define HAND_CONTEXT_S8     192
#define HAND_CONTEXT_PC     256
#define HAND_CONTEXT_ACCESS 552
