#include "CCrashMark.h"

// Of the thread: a handler runs on the one that is to blame. Volatile, so that a store is made before the call behind it.
static _Thread_local volatile uint64_t marked_model;
static _Thread_local volatile int64_t marked_version;

void crash_mark_set(uint64_t model, int64_t version) {
    marked_model = model;
    marked_version = version;
}

uint64_t crash_mark_model(void) { return marked_model; }

int64_t crash_mark_version(void) { return marked_version; }
