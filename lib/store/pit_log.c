/* The records of a group's log, for the point-in-time join. */
#include "store/pit_parts.h"

#include "store/log_format.h"

#include <pthread.h>

struct group_source {
    struct pit_source source;
    char *log;
    size_t *features; /* the value of each in a row */
    uint64_t limit;   /* lsn of the last record that is read */
    struct log_reader *reader;
    pthread_mutex_t reading; /* guards the reader, and: */
    uint64_t pieces;
    bool began;
};

struct log_piece {
    struct pit_piece piece;
    struct log_run run;
};

static struct group_source *own(struct pit_source *s)
{
    return (struct group_source *)s;
}

/* A second pass sees what the first one saw. */
static int begin(struct pit_source *s, usec latest, struct error *e)
{
    (void)latest;
    (void)e;
    struct group_source *g = own(s);
    log_reader_close(g->reader);
    g->reader = log_reader_open(g->log, 1);
    g->limit = g->began ? s->last : g->limit;
    g->began = true;
    return 0;
}

static struct pit_piece *piece_new(struct pit_source *s)
{
    (void)s;
    struct log_piece *p = mem_alloc(sizeof *p);
    return &p->piece;
}

static void piece_free(struct pit_piece *piece)
{
    struct log_piece *p = (struct log_piece *)piece;
    log_run_release(&p->run);
    mem_free(p);
}

static int next(struct pit_source *s, struct pit_piece *piece, struct error *e)
{
    struct group_source *g = own(s);
    struct log_piece *p = (struct log_piece *)piece;
    pthread_mutex_lock(&g->reading);
    bool all = log_reader_place(g->reader).next > g->limit;
    int got = all ? 0 : log_next_run(g->reader, &p->run, e);
    uint64_t last = log_reader_place(g->reader).next - 1;
    s->last = last < g->limit ? last : g->limit;
    piece->sequence = g->pieces++;
    pthread_mutex_unlock(&g->reading);
    return got;
}

static int take(struct pit_source *s, struct pit_piece *piece, struct pit_record *out, int n,
                struct error *e)
{
    (void)e;
    struct log_piece *p = (struct log_piece *)piece;
    struct store_record r;
    int count = 0;
    while (count < n && log_run_next(&p->run, &r)) {
        if (r.flags & STORE_POSITION || r.lsn > own(s)->limit)
            continue;
        out[count++] = (struct pit_record){.id = r.id,
                                           .event_time = r.event_time,
                                           .write_time = r.write_time,
                                           .expires_at = r.expires_at,
                                           .lsn = r.lsn,
                                           .deleted = r.flags & STORE_DELETED,
                                           .row = r.row};
    }
    return count;
}

static size_t size(struct pit_source *s, struct pit_piece *piece, struct pit_record *r)
{
    (void)s;
    (void)piece;
    return r->row.len;
}

static void copy(struct pit_source *s, struct pit_piece *piece, const struct pit_record *r,
                 char *into)
{
    (void)s;
    (void)piece;
    memcpy(into, r->row.at, r->row.len);
}

static struct text cell(const struct pit_source *s, struct text row, size_t feature,
                        char room[static TIME_MAX])
{
    const struct group_source *g = (const struct group_source *)s;
    return row_cell(row, g->features[feature], room);
}

static void release(struct pit_source *s)
{
    struct group_source *g = own(s);
    log_reader_close(g->reader);
    pthread_mutex_destroy(&g->reading);
    mem_free(g->log);
}

static const struct pit_source_kind group_kind = {.begin = begin,
                                                  .piece_new = piece_new,
                                                  .piece_free = piece_free,
                                                  .next = next,
                                                  .take = take,
                                                  .size = size,
                                                  .copy = copy,
                                                  .cell = cell,
                                                  .close = release};

static int choose_features(struct group_source *s, const struct group *g, const char *names,
                           struct error *e)
{
    struct field *all = arena_zero(&s->source.arena, (g->features.len + 1) * sizeof *all);
    for (size_t i = 0; i < g->features.len; i++)
        all[i] = (struct field){.name = g->features.at[i].name,
                                .type = feature_cell_type(&g->features.at[i]),
                                .declared = true};
    int status = pit_choose(&s->source, names, all, g->features.len, &s->features, e);
    for (size_t i = 0; status == 0 && i < s->source.about.feature_count; i++)
        s->features[i]++; /* before them stands the time */
    return status;
}

int pit_group_source(const struct group *g, const char *features, uint64_t last,
                     struct pit_source **out, struct error *e)
{
    struct group_source *s = mem_alloc(sizeof *s);
    s->source.kind = &group_kind;
    s->source.about = (struct pit_about){
        .name = g->name, .ids = g->ids, .id_count = g->id_count, .has_write_times = true};
    s->source.row_bytes = 16 * (g->features.len + 1);
    s->log = mem_format("%s/log", g->folder);
    s->limit = last;
    pthread_mutex_init(&s->reading, NULL);
    *out = &s->source;
    int status = choose_features(s, g, features, e);
    if (status) {
        pit_source_free(*out);
        *out = NULL;
    }
    return status;
}
