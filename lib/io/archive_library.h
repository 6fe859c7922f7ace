/*
 * archive_library: libarchive, loaded when it is first needed. Loading it costs some milliseconds
 * (it brings an XML parser and ICU), which every start of every tool would pay if it were linked.
 */
#ifndef IO_ARCHIVE_LIBRARY_H
#define IO_ARCHIVE_LIBRARY_H

#include "base/base.h"

#include <archive.h>
#include <archive_entry.h>

#define ARCHIVE_CALLS(X)                                                                           \
    X(archive_filter_count)                                                                        \
    X(archive_filter_bytes)                                                                        \
    X(archive_error_string)                                                                        \
    X(archive_errno)                                                                               \
    X(archive_set_error)                                                                           \
    X(archive_entry_new)                                                                           \
    X(archive_entry_free)                                                                          \
    X(archive_entry_filetype)                                                                      \
    X(archive_entry_hardlink)                                                                      \
    X(archive_entry_pathname)                                                                      \
    X(archive_entry_set_filetype)                                                                  \
    X(archive_entry_pathname_utf8)                                                                 \
    X(archive_read_new)                                                                            \
    X(archive_read_free)                                                                           \
    X(archive_read_support_filter_by_code)                                                         \
    X(archive_read_support_format_empty)                                                           \
    X(archive_read_support_format_raw)                                                             \
    X(archive_read_support_format_tar)                                                             \
    X(archive_read_support_format_zip_seekable)                                                    \
    X(archive_read_support_format_zip_streamable)                                                  \
    X(archive_read_set_callback_data)                                                              \
    X(archive_read_set_read_callback)                                                              \
    X(archive_read_set_seek_callback)                                                              \
    X(archive_read_open1)                                                                          \
    X(archive_read_open_memory)                                                                    \
    X(archive_read_next_header)                                                                    \
    X(archive_read_data_block)                                                                     \
    X(archive_write_new)                                                                           \
    X(archive_write_free)                                                                          \
    X(archive_write_close)                                                                         \
    X(archive_write_add_filter)                                                                    \
    X(archive_write_set_format_raw)                                                                \
    X(archive_write_set_bytes_per_block)                                                           \
    X(archive_write_set_bytes_in_last_block)                                                       \
    X(archive_write_open)                                                                          \
    X(archive_write_header)                                                                        \
    X(archive_write_data)

#define ARCHIVE_MEMBER(call) __typeof__(call) *call;
struct archive_library {
    ARCHIVE_CALLS(ARCHIVE_MEMBER)
};
#undef ARCHIVE_MEMBER

/* Fills *l; it is valid until the process ends. ERR_SYSTEM names the package that is missing. */
int archive_library_load(struct archive_library *l, struct error *e);

#endif
