#pragma once
#include <stddef.h>

/// One embedded file: its name and its content.
typedef struct {
    const char *path;
    const unsigned char *bytes;
    size_t count;
} balance_asset;

/// All embedded files; the list ends with an entry whose path is NULL.
const balance_asset *balance_assets(void);
