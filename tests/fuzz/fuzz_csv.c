/*
 * CSV: any bytes, in several dialects and chunk sizes. Nothing may crash; what is accepted must
 * come out the same whatever the kernel, and read again as the same cells.
 */
#include "table/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_all(char *path, const struct format *format, size_t chunk, struct buf *out)
{
    struct cell_policy policy = {.on_error = ON_ERROR_STOP};
    struct input_options o = {
        .format = format, .policy = &policy, .chunk = chunk, .max_record = 4096};
    struct error e = {0};
    struct input *in = NULL;
    int status = input_open(&path, 1, &o, &in, &e);
    if (status)
        return status;
    struct writer w = {format_csv(','), input_schema(in), input_format(in)};
    struct batch *b = batch_new();
    write_header(&w, out);
    while ((status = input_next(in, b, &e)) > 0) {
        status = input_parse(in, b, &e);
        if (status)
            break;
        for (size_t c = 0; c < b->columns.len; c++)
            (void)batch_text(b, c);
        write_batch(&w, b, out);
        batch_clear(b);
    }
    batch_free(b);
    input_free(in);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char path[] = "/tmp/fuzz-csv-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
        abort();
    close(fd);
    struct format format = format_csv(data[0] & 1 ? ',' : ';');
    format.backslash = data[0] & 2;
    format.lazy_quotes = data[0] & 4;
    if (data[0] & 8)
        format.comment[0] = '#';
    struct buf whole = {0}, pieces = {0};
    int a = read_all(path, &format, 1 << 16, &whole), b = read_all(path, &format, 7, &pieces);
    if ((a == 0) != (b == 0))
        abort();
    if (a == 0 && (whole.len != pieces.len || memcmp(whole.at, pieces.at, whole.len) != 0))
        abort();
    buf_release(&whole);
    buf_release(&pieces);
    unlink(path);
    return 0;
}
