// Our own declarations of the part of ONNX Runtime's C interface that BalanceOps calls.
//
// The library is opened at run time. Its table is an array of function pointers whose places never move once a release
// has them; interface version 17 (library 1.17 and newer) has all of those below.
#ifndef BALANCEOPS_ONNX_RUNTIME_H
#define BALANCEOPS_ONNX_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

enum { ort_interface_version = 17 };

// Any object of the library. A status is NULL where a call succeeded.
typedef struct ort_object ort_object;
typedef void *const *ort_table;

typedef struct {
    ort_table (*table)(uint32_t version);
    const char *(*version)(void);
} ort_base;

#define ORT_CALL(table, place, answer, ...) ((answer(*)(__VA_ARGS__))(table)[place])

// What OrtGetApiBase, found by its name, answers.
static inline const ort_base *ort_open(void *entry) { return ((const ort_base *(*)(void))entry)(); }
static inline ort_table ort_get_table(const ort_base *base) { return base->table(ort_interface_version); }
static inline const char *ort_get_version(const ort_base *base) { return base->version(); }

static inline const char *ort_message(ort_table t, const ort_object *status) {
    return ORT_CALL(t, 2, const char *, const ort_object *)(status);
}

// Each kind of object has its own release.
enum {
    ort_release_env = 92,
    ort_release_status = 93,
    ort_release_memory_info = 94,
    ort_release_run_options = 97,
    ort_release_session = 95,
    ort_release_value = 96,
    ort_release_type_info = 98,
    ort_release_tensor_info = 99,
    ort_release_session_options = 100,
};
static inline void ort_release(ort_table t, int place, ort_object *object) {
    ORT_CALL(t, place, void, ort_object *)(object);
}

static inline ort_object *ort_create_env(ort_table t, int level, const char *name, ort_object **out) {
    return ORT_CALL(t, 3, ort_object *, int, const char *, ort_object **)(level, name, out);
}
static inline ort_object *ort_create_options(ort_table t, ort_object **out) {
    return ORT_CALL(t, 10, ort_object *, ort_object **)(out);
}
// Options with one number: 13 execution mode, 22 log level, 23 optimisation, 24 threads inside, 25 threads between.
static inline ort_object *ort_set_option(ort_table t, int place, ort_object *options, int value) {
    return ORT_CALL(t, place, ort_object *, ort_object *, int)(options, value);
}
static inline ort_object *ort_disable_arena(ort_table t, ort_object *options) {
    return ORT_CALL(t, 19, ort_object *, ort_object *)(options);
}
static inline ort_object *ort_set_entry(ort_table t, ort_object *options, const char *key, const char *value) {
    return ORT_CALL(t, 130, ort_object *, ort_object *, const char *, const char *)(options, key, value);
}
static inline ort_object *ort_create_session(ort_table t, const ort_object *env, const void *bytes, size_t count,
                                             const ort_object *options, ort_object **out) {
    return ORT_CALL(t, 8, ort_object *, const ort_object *, const void *, size_t, const ort_object *, ort_object **)(
        env, bytes, count, options, out);
}

// 30 inputs, 31 outputs.
static inline ort_object *ort_count(ort_table t, int place, const ort_object *session, size_t *out) {
    return ORT_CALL(t, place, ort_object *, const ort_object *, size_t *)(session, out);
}
// 36 an input's name, 37 an output's; to be freed.
static inline ort_object *ort_name(ort_table t, int place, const ort_object *session, size_t index,
                                   ort_object *allocator, char **out) {
    return ORT_CALL(t, place, ort_object *, const ort_object *, size_t, ort_object *, char **)(session, index, allocator,
                                                                                               out);
}
// 33 an input's type, 34 an output's; to be released.
static inline ort_object *ort_type_info(ort_table t, int place, const ort_object *session, size_t index,
                                        ort_object **out) {
    return ORT_CALL(t, place, ort_object *, const ort_object *, size_t, ort_object **)(session, index, out);
}
// The kind of value: 56 of a type, 67 of a value.
static inline ort_object *ort_kind(ort_table t, int place, const ort_object *object, int *out) {
    return ORT_CALL(t, place, ort_object *, const ort_object *, int *)(object, out);
}
// 55 casts a type, and what it answers is borrowed; 65 asks a value, and what it answers is to be released.
static inline ort_object *ort_tensor_info(ort_table t, int place, const ort_object *object, ort_object **out) {
    return ORT_CALL(t, place, ort_object *, const ort_object *, ort_object **)(object, out);
}
static inline ort_object *ort_element_type(ort_table t, const ort_object *info, int *out) {
    return ORT_CALL(t, 60, ort_object *, const ort_object *, int *)(info, out);
}
static inline ort_object *ort_rank(ort_table t, const ort_object *info, size_t *out) {
    return ORT_CALL(t, 61, ort_object *, const ort_object *, size_t *)(info, out);
}
static inline ort_object *ort_shape(ort_table t, const ort_object *info, int64_t *out, size_t count) {
    return ORT_CALL(t, 62, ort_object *, const ort_object *, int64_t *, size_t)(info, out, count);
}

static inline ort_object *ort_cpu_memory(ort_table t, ort_object **out) {
    return ORT_CALL(t, 69, ort_object *, int, int, ort_object **)(0, 0, out);
}
static inline ort_object *ort_default_allocator(ort_table t, ort_object **out) {
    return ORT_CALL(t, 78, ort_object *, ort_object **)(out);
}
static inline ort_object *ort_free(ort_table t, ort_object *allocator, void *memory) {
    return ORT_CALL(t, 76, ort_object *, ort_object *, void *)(allocator, memory);
}

// A tensor over memory that stays the caller's.
static inline ort_object *ort_tensor_over(ort_table t, const ort_object *memory, void *bytes, size_t size,
                                          const int64_t *shape, size_t rank, int type, ort_object **out) {
    return ORT_CALL(t, 49, ort_object *, const ort_object *, void *, size_t, const int64_t *, size_t, int,
                    ort_object **)(memory, bytes, size, shape, rank, type, out);
}
static inline ort_object *ort_create_tensor(ort_table t, ort_object *allocator, const int64_t *shape, size_t rank,
                                            int type, ort_object **out) {
    return ORT_CALL(t, 48, ort_object *, ort_object *, const int64_t *, size_t, int, ort_object **)(allocator, shape,
                                                                                                    rank, type, out);
}
static inline ort_object *ort_fill_text(ort_table t, ort_object *value, const char *text, size_t index) {
    return ORT_CALL(t, 129, ort_object *, ort_object *, const char *, size_t)(value, text, index);
}
static inline ort_object *ort_data(ort_table t, ort_object *value, void **out) {
    return ORT_CALL(t, 51, ort_object *, ort_object *, void **)(value, out);
}
static inline ort_object *ort_text_size(ort_table t, const ort_object *value, size_t *out) {
    return ORT_CALL(t, 53, ort_object *, const ort_object *, size_t *)(value, out);
}
static inline ort_object *ort_texts(ort_table t, const ort_object *value, void *bytes, size_t size, size_t *starts,
                                    size_t count) {
    return ORT_CALL(t, 54, ort_object *, const ort_object *, void *, size_t, size_t *, size_t)(value, bytes, size,
                                                                                               starts, count);
}
// The parts of a sequence or a map.
static inline ort_object *ort_part_count(ort_table t, const ort_object *value, size_t *out) {
    return ORT_CALL(t, 81, ort_object *, const ort_object *, size_t *)(value, out);
}
static inline ort_object *ort_part(ort_table t, const ort_object *value, int index, ort_object *allocator,
                                   ort_object **out) {
    return ORT_CALL(t, 80, ort_object *, const ort_object *, int, ort_object *, ort_object **)(value, index, allocator,
                                                                                               out);
}

static inline ort_object *ort_create_run_options(ort_table t, ort_object **out) {
    return ORT_CALL(t, 39, ort_object *, ort_object **)(out);
}
// Ends a run that goes on, from another thread.
static inline ort_object *ort_terminate(ort_table t, ort_object *run_options) {
    return ORT_CALL(t, 46, ort_object *, ort_object *)(run_options);
}
// The options may be NULL.
static inline ort_object *ort_run(ort_table t, ort_object *session, const ort_object *run_options,
                                  const char *const *input_names,
                                  ort_object *const *inputs, size_t input_count, const char *const *output_names,
                                  size_t output_count, ort_object **outputs) {
    return ORT_CALL(t, 9, ort_object *, ort_object *, const ort_object *, const char *const *, ort_object *const *,
                    size_t, const char *const *, size_t, ort_object **)(session, run_options, input_names, inputs, input_count,
                                                                        output_names, output_count, outputs);
}

#endif
