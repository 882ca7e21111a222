/* SPDX-License-Identifier: MIT */
/*
 * Arguments of the calls that every process may make. Registers of the messages are in ipc.h, calls
 * that need the frame authority in authority.h. t1 = the handle named, 0 where none is; a0... =
 * arguments; results in a0.
 *
 * Errors of every call with a handle: BADF (no such slot, or empty), STALE (the object has ended),
 * TYPE (another kind of object), RIGHTS (the handle lacks the right named). "Slot" as an argument:
 * 0 = any free one from HANDLE_FREE on. A slot beyond the table: RANGE; taken: EXIST; none free:
 * NO_SLOT. Times are values of the time CSR. On every error nothing changed.
 *
 * NULL             does nothing; t1 and arguments are not looked at
 *
 * NOTIFY           t1 = notification, SIGNAL; a0 = bits to set. Wakes who waits for one of them. 0:
 *                  INVAL
 * WAIT             t1 = notification, WAIT; a0 = bits wanted, 0: all; a1 = latest time, 0: none, in
 *                  the past: do not wait. Result a0 = those of the wanted bits that were set, now
 *                  cleared. TIMEDOUT; STALE: it was destroyed meanwhile; BUSY: somebody waits for
 *                  it, or it is bound to a thread
 * BIND             t1 = notification, WAIT: its bits reach the calling thread's REPLY_WAIT as
 *                  IPC_NOTIFY. t1 = 0: bound to none any longer. EXIST: the notification is bound
 *                  to another thread; BUSY: somebody waits for it
 * TIMER            a0 = time, 0: none; a1 = bits (not 0 with a time: INVAL): sets them in the
 *                  notification that is bound to the calling thread. One per thread, the last
 *                  counts. INVAL: nothing is bound
 * YIELD            -
 *
 * THREAD_EXIT      a0 = status. The calling thread ends with CAUSE_EXIT. Does not return
 * EXIT             a0 = status. The caller's space and all its threads end with CAUSE_EXIT. Does
 *                  not return
 * THREAD_START     t1 = thread, CONTROL; a0 = pc, a1 = sp, a2 = tp, a3 = gp, a4, a5 = what it finds
 *                  in a0, a1; its other registers are 0. BUSY: it was started before
 * THREAD_STOP      t1 = thread, CONTROL: does not run user code from its return to user mode on;
 *                  waits go on and their results are kept. A stopped one: OK
 * THREAD_CONTINUE  t1 = thread, CONTROL: lets it go on. One that is not stopped, or was not
 *                  started: OK
 * THREAD_END       t1 = thread, CONTROL; a0 = detail. It ends with CAUSE_KILLED. May be the caller
 * THREAD_UPCALL    t1 = thread, CONTROL; a0 = detail. It takes an upcall with CAUSE_REQUEST at its
 *                  next return to user mode; a wait is cut short with INTR (not a call to its
 *                  pager's endpoint: that ends first). BUSY: one is pending. INVAL: it has not
 *                  registered, or is handling one
 * THREAD_PRIORITY  t1 = thread, CONTROL; a0 = priority. RANGE: above the highest of its space
 * THREAD_HART      t1 = thread, CONTROL, 0: the caller; a0 = hart, by its place as for INFO
 *                  (RANGE), or HART_ANY: from now on it runs on that hart alone, or wherever there
 *                  is time for it. Of the threads that wait at an endpoint a message goes to one of
 *                  the sender's hart, if it is among the last eight that came; else to one that may
 *                  move there, and only then to one that is kept on another hart
 * UPCALL_SET       a0 = entry, 0: none; a1 = top of the stack, 16-byte aligned (INVAL), of the
 *                  calling thread
 * UPCALL_RESUME    restores what the upcall saved; results are what is in the context. INVAL: not
 *                  in an upcall
 *
 * HANDLE_DERIVE    t1 = handle of any kind, DERIVE; a0 = rights, a subset of the handle's (others:
 *                  RIGHTS); a1 = badge, 0: as the handle's; else the handle must be to the log, or
 *                  to an endpoint with RECEIVE, and have no badge (RIGHTS), and the new one loses
 *                  RECEIVE; a2 = slot.
 *                  Result a0 = slot
 * HANDLES_READ     t1 = space, CONTROL, 0: the caller's; a0 = first slot. Result a0 = number of
 *                  struct handle_info now at offset 0 of the message page, by ascending slots; less
 *                  than HANDLE_INFOS_MAX: there are no more
 * HANDLE_CLOSE     t1 = handle of any kind, stale ones too. The object stays
 * HANDLE_GIVE      t1 = space, CONTROL; a0 = own handle to be copied, TRANSFER (SENDER_HANDLE: bad,
 *                  stale or without); a1 = rights there, a subset (RIGHTS); a2 = slot there
 *                  (NO_SLOT EXIST RANGE: of the other table). Result a0 = slot there
 * ACCEPT           a0 = first slot, a1 = number: handles that arrive for the calling thread, with
 *                  messages and with answers, go to the first free slots of this range. 0 and 0: no
 *                  handle may arrive (so at the start). RANGE
 * OBJECT_MAKE      a0 = OBJECT_ENDPOINT or OBJECT_NOTIFICATION (INVAL); a1 = slot. Result a0 =
 *                  slot: a handle with RIGHT_ALL. NO_OBJECT: no room in the space's slabs: have one
 *                  donated
 * OBJECT_DESTROY   t1 = endpoint or notification, DESTROY. Whoever waits there gets PEER_GONE
 *                  (calls) or STALE (waits)
 *
 * LOG_WRITE        t1 = log, CONTROL; a0 = bytes from offset 0 of the message page, at most
 *                  MESSAGE_LOG_BYTES_MAX (RANGE); a1 = enum log_level, perhaps with LOG_KEPT
 *                  (RANGE). They go to the console, if not LOG_KEPT, and, with the handle's badge
 *                  as their source, into the log. Result a0 = bytes written, which may be less
 * LOG_COPY         t1 = log, CONTROL; a0 = position, the first is INFO_LOG_FIRST. Result a0 = bytes
 *                  of records (abi/log.h) copied to offset 0 of the message page, perhaps not to
 *                  the end of one; 0: there is nothing behind the position. RANGE: it is not in the
 *                  log any longer
 * LOG_READ         t1 = log, CONTROL. Result a0 = next byte typed. WOULD_BLOCK: there is none
 * POWER            t1 = machine, CONTROL; a0 = enum power (INVAL), a1 = status of the end line.
 *                  Does not return
 * INTERRUPT_HANDLE t1 = machine, CONTROL; a0 = number of a line, as struct boot_device has it
 *                  (RANGE); a1 = slot. Result a0 = slot: a handle to the line with all rights
 * INTERRUPT_BIND   t1 = interrupt, CONTROL; a0 = notification, SIGNAL; a1 = bits (0: INVAL): set
 *                  when the line interrupts, which it then does not do again before INTERRUPT_DONE.
 *                  Takes the place of what the line was bound to, and has it start anew. a0 = 0:
 *                  bound to none, and silent
 * INTERRUPT_DONE   t1 = interrupt, CONTROL: the device was served. A line that has not interrupted:
 *                  OK
 *
 * INFO             a0 = enum info, a1 = hart where it says so (INVAL). Result a0
 * TRACE_READ       t1 = machine, CONTROL; a0 = most events wanted. Result a0 = number of struct
 *                  trace_event now at offset 0 of the message page, oldest first
 */
#pragma once

#include <abi/ipc.h>
