/* SPDX-License-Identifier: MIT */
/*
 * Protection, map flags, advice and remap flags, with Linux's numbers (mmap(2), madvise(2),
 * mremap(2), include/uapi/asm-generic/mman-common.h), so that the POSIX names need no translation.
 */
#pragma once

#define MEM_PROT_NONE  0x0u
#define MEM_PROT_READ  0x1u
#define MEM_PROT_WRITE 0x2u
#define MEM_PROT_EXEC  0x4u
#define MEM_PROT_ALL   0x7u

#define MEM_MAP_SHARED          0x01u
#define MEM_MAP_PRIVATE         0x02u
#define MEM_MAP_SHARED_VALIDATE 0x03u
#define MEM_MAP_TYPE            0x0fu
#define MEM_MAP_FIXED           0x10u
#define MEM_MAP_ANONYMOUS       0x20u
#define MEM_MAP_GROWSDOWN       0x0100u
#define MEM_MAP_DENYWRITE       0x0800u
#define MEM_MAP_EXECUTABLE      0x1000u
#define MEM_MAP_LOCKED          0x2000u
#define MEM_MAP_NORESERVE       0x4000u
#define MEM_MAP_POPULATE        0x8000u
#define MEM_MAP_NONBLOCK        0x10000u
#define MEM_MAP_STACK           0x20000u
#define MEM_MAP_HUGETLB         0x40000u
#define MEM_MAP_SYNC            0x80000u
#define MEM_MAP_FIXED_NOREPLACE 0x100000u
#define MEM_MAP_HUGE_SHIFT      26 /* above it, with HUGETLB: log2 of the size; 0: 2 MiB */
#define MEM_MAP_HUGE_MASK       0x3fu
#define MEM_MAP_HUGE_2MB        (21u << MEM_MAP_HUGE_SHIFT)
#define MEM_MAP_HUGE_1GB        (30u << MEM_MAP_HUGE_SHIFT)

#define MEM_REMAP_MAYMOVE   0x1u
#define MEM_REMAP_FIXED     0x2u
#define MEM_REMAP_DONTUNMAP 0x4u
#define MEM_REMAP_ALL       0x7u

/* LOCK; LOCK ALL (mlock2(2), mlockall(2)) */
#define MEM_LOCK_ONFAULT     0x1u
#define MEM_LOCK_DRY         0x400u /* ours, as MEM_PIN_DRY; unknown to the LINUX form */
#define MEM_LOCK_CURRENT     0x1u
#define MEM_LOCK_FUTURE      0x2u
#define MEM_LOCK_ALL_ONFAULT 0x4u
#define MEM_LOCK_ALL_FLAGS   0x7u /* MEM_LOCK_DRY besides */

/* SYNC (msync(2)) */
#define MEM_SYNC_ASYNC      0x1u
#define MEM_SYNC_INVALIDATE 0x2u
#define MEM_SYNC_SYNC       0x4u
#define MEM_SYNC_ALL        0x7u

/* Seals of shared memory (F_ADD_SEALS, include/uapi/linux/fcntl.h) */
#define MEM_SEAL_SEAL         0x1u
#define MEM_SEAL_SHRINK       0x2u
#define MEM_SEAL_GROW         0x4u
#define MEM_SEAL_WRITE        0x8u
#define MEM_SEAL_FUTURE_WRITE 0x10u
#define MEM_SEAL_ALL          0x1fu

/* What shared memory is made with */
#define MEM_OBJECT_NORESERVE 0x1u /* not charged before it is used */
#define MEM_OBJECT_APPEND    0x2u /* append-only */
#define MEM_OBJECT_OWNED     0x4u /* only who made it, and holds it, resizes it */
#define MEM_OBJECT_MANDATORY 0x8u /* a mandatory lock on it: not to be mapped shared (R15) */
#define MEM_OBJECT_FLAGS     0xfu

#define MEM_ADVISE_NORMAL          0
#define MEM_ADVISE_RANDOM          1
#define MEM_ADVISE_SEQUENTIAL      2
#define MEM_ADVISE_WILLNEED        3
#define MEM_ADVISE_DONTNEED        4
#define MEM_ADVISE_FREE            8
#define MEM_ADVISE_REMOVE          9
#define MEM_ADVISE_DONTFORK        10
#define MEM_ADVISE_DOFORK          11
#define MEM_ADVISE_HUGEPAGE        14
#define MEM_ADVISE_NOHUGEPAGE      15
#define MEM_ADVISE_WIPEONFORK      18
#define MEM_ADVISE_KEEPONFORK      19
#define MEM_ADVISE_COLD            20
#define MEM_ADVISE_PAGEOUT         21
#define MEM_ADVISE_POPULATE_READ   22
#define MEM_ADVISE_POPULATE_WRITE  23
#define MEM_ADVISE_DONTNEED_LOCKED 24
