/* Buffers outside the Lua heap. */
#include "host.h"

#include <stdlib.h>

int clh_buffer_reserve(clh_buffer *buffer, size_t more) {
    if (more <= buffer->capacity - buffer->length) return 0;
    if (more > SIZE_MAX / 4 - buffer->length) return -1;
    size_t capacity = buffer->capacity ? buffer->capacity * 2 : 512;
    if (capacity < buffer->length + more) capacity = buffer->length + more;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data) return -1;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

void clh_buffer_trim(clh_buffer *buffer, size_t capacity_max) {
    if (buffer->capacity <= capacity_max) return;
    free(buffer->data);
    *buffer = (clh_buffer){NULL, 0, 0};
}

int clh_buffer_set(clh_buffer *buffer, const uint8_t *bytes, size_t length) {
    buffer->length = 0;
    if (clh_buffer_reserve(buffer, length + 1) != 0) return -1;
    if (length) memcpy(buffer->data, bytes, length);
    buffer->length = length;
    return 0;
}
