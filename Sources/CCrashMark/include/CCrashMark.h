#ifndef C_CRASH_MARK_H
#define C_CRASH_MARK_H

#include <stdint.h>

/// Says which model this thread asks from now on; 0 and 0: none. A signal handler may read it.
void crash_mark_set(uint64_t model, int64_t version);
uint64_t crash_mark_model(void);
int64_t crash_mark_version(void);

#endif
