/* Operations of row programs: texts. Positions count characters. */
#include "runtime/program_machine.h"

#define ML_NOWHERE SIZE_MAX

void ml_put(struct ml_draft *d, const char *at, size_t len)
{
    d->full = d->full || len > d->m->room - d->len;
    if (d->full || len == 0)
        return;
    memcpy(d->m->scratch + d->len, at, len);
    d->len += len;
}

void ml_put_char(struct ml_draft *d, uint32_t c)
{
    char bytes[4];
    size_t len = utf8_print(bytes, c);
    ml_put(d, bytes, len);
}

int ml_give_draft(const struct ml_op *o, const struct ml_draft *d)
{
    return d->full ? -ML_WHY_LONG : ml_give_scratch(d->m, o, d->m->scratch, d->len);
}

/* Offset of part in s at or after `from`. */
static size_t ml_seek(const struct ml_cell *s, const char *part, size_t len, size_t from)
{
    if (len == 0)
        return from <= s->len ? from : ML_NOWHERE;
    while (from + len <= s->len) {
        const char *hit = memchr(s->at + from, part[0], s->len - len - from + 1);
        if (!hit)
            return ML_NOWHERE;
        from = (size_t)(hit - s->at);
        if (memcmp(hit, part, len) == 0)
            return from;
        from++;
    }
    return ML_NOWHERE;
}

static size_t ml_seek_last(const struct ml_cell *s, const char *part, size_t len)
{
    if (len > s->len)
        return ML_NOWHERE;
    for (size_t at = s->len - len + 1; at-- > 0;)
        if (len == 0 || memcmp(s->at + at, part, len) == 0)
            return at;
    return ML_NOWHERE;
}

/* b: 1 for bytes. */
ML_OPERATION(text_length)
{
    const struct ml_cell *x = &m->r[o->a];
    if (!x->at)
        return ml_give_int(m, o, ML_INT_MISSING);
    return ml_give_int(m, o, (int64_t)(o->b ? x->len : utf8_length(x->at, x->len)));
}

/* Characters from b on, a negative one from the end, at most c of them. Flag 1: the last c. */
ML_OPERATION(text_piece)
{
    const struct ml_cell *x = &m->r[o->a];
    int64_t start = m->r[o->b].i, count = m->r[o->c].i;
    if (!x->at || start == ML_INT_MISSING || count == ML_INT_MISSING)
        return ml_give_text(m, o, NULL, 0);
    if (o->flags & 1) {
        int64_t length = (int64_t)utf8_length(x->at, x->len), n = count < 0 ? 0 : count;
        start = n < length ? length - n : 0;
        count = INT64_MAX;
    }
    if (start < 0) {
        start += (int64_t)utf8_length(x->at, x->len);
        if (start < 0) {
            count = count < -start ? 0 : count + start;
            start = 0;
        }
    }
    size_t from = utf8_offset(x->at, x->len, (size_t)start);
    size_t bytes = count <= 0 ? 0 : utf8_offset(x->at + from, x->len - from, (size_t)count);
    return ml_give_text(m, o, x->at + from, bytes);
}

/* Byte offset of character n of `length`; negative from the end. */
static size_t ml_byte_at(const struct ml_cell *x, int64_t n, int64_t length)
{
    if (n < 0)
        n = n < -length ? 0 : n + length;
    return n >= length ? x->len : utf8_offset(x->at, x->len, (size_t)n);
}

/* From the first to before the second of the range's integers. */
ML_OPERATION(text_slice)
{
    const struct ml_cell *x = &m->r[o->a];
    const struct ml_range *k = ml_range(m, o->b);
    const int64_t *at = ml_ints(m, k->first);
    if (!x->at || k->count != 2)
        return x->at ? -ML_WHY_WRONG : ml_give_text(m, o, NULL, 0);
    int64_t length = (int64_t)utf8_length(x->at, x->len);
    size_t from = ml_byte_at(x, at[0], length), to = ml_byte_at(x, at[1], length);
    return ml_give_text(m, o, x->at + from, to > from ? to - from : 0);
}

/* What stands between the texts b and c. Flags: 1 up to the last c, 2 with the two. */
ML_OPERATION(text_between)
{
    const struct ml_cell *x = &m->r[o->a];
    struct ml_text left = ml_text_at(m->p, o->b), right = ml_text_at(m->p, o->c);
    size_t start = x->at ? ml_seek(x, left.at, left.len, 0) : ML_NOWHERE;
    if (start == ML_NOWHERE)
        return ml_give_text(m, o, NULL, 0);
    start += left.len;
    struct ml_cell rest = {.at = x->at + start, .len = (uint32_t)(x->len - start)};
    size_t end = o->flags & 1 ? ml_seek_last(&rest, right.at, right.len)
                              : ml_seek(&rest, right.at, right.len, 0);
    if (end == ML_NOWHERE)
        return ml_give_text(m, o, NULL, 0);
    if (o->flags & 2)
        return ml_give_text(m, o, rest.at - left.len, end + left.len + right.len);
    return ml_give_text(m, o, rest.at, end);
}

/* a with b, a slice of it, replaced by the text c; a itself when b is missing. */
ML_OPERATION(replace_slice)
{
    const struct ml_cell *x = &m->r[o->a], *old = &m->r[o->b];
    struct ml_text with = ml_text_at(m->p, o->c);
    struct ml_draft d = ml_draft(m);
    if (!x->at || !old->at)
        return ml_op_move(m, o);
    uintptr_t start = (uintptr_t)old->at - (uintptr_t)x->at;
    if (start > x->len || old->len > x->len - start)
        return -ML_WHY_WRONG;
    ml_put(&d, x->at, start);
    ml_put(&d, with.at, with.len);
    ml_put(&d, x->at + start + old->len, x->len - start - old->len);
    return ml_give_draft(o, &d);
}

/* c: 0 begins with b, 1 ends with it, 2 holds it, 3 is like it, 4 so but for case. */
ML_OPERATION(text_has)
{
    const struct ml_cell *x = &m->r[o->a], *part = &m->r[o->b];
    if (!x->at || !part->at)
        return ml_give_int(m, o, ML_BOOL_MISSING);
    if (o->c == 2)
        return ml_give_int(m, o, ml_seek(x, part->at, part->len, 0) != ML_NOWHERE);
    if (o->c >= 3)
        return ml_give_int(m, o, like_fits(x->at, x->len, part->at, part->len, o->c == 4));
    size_t at = o->c == 0 ? 0 : x->len - part->len;
    return ml_give_int(m, o, part->len <= x->len && memcmp(x->at + at, part->at, part->len) == 0);
}

/* One of b classes; c: seed. */
ML_OPERATION(hash_mod)
{
    const struct ml_cell *x = &m->r[o->a];
    int64_t n = m->r[o->b].i, seed = m->r[o->c].i;
    if (!x->at || n == ML_INT_MISSING || seed == ML_INT_MISSING)
        return ml_give_int(m, o, ML_INT_MISSING);
    if (n < 1)
        return -ML_WHY_DOMAIN;
    return ml_give_int(m, o, (int64_t)(xxh64(x->at, x->len, (uint64_t)seed) % (uint64_t)n));
}

static int64_t ml_count_parts(const struct ml_cell *x, const struct ml_cell *part)
{
    int64_t count = 0;
    for (size_t at = 0; part->len > 0; at += part->len) {
        at = ml_seek(x, part->at, part->len, at);
        if (at == ML_NOWHERE)
            break;
        count++;
    }
    return count;
}

/* c: 0 the place of the first b, 1 of the last, -1 without one; 2 how many there are. */
ML_OPERATION(text_find)
{
    const struct ml_cell *x = &m->r[o->a], *part = &m->r[o->b];
    if (!x->at || !part->at)
        return ml_give_int(m, o, ML_INT_MISSING);
    if (o->c == 2)
        return ml_give_int(m, o, ml_count_parts(x, part));
    size_t at =
        o->c == 0 ? ml_seek(x, part->at, part->len, 0) : ml_seek_last(x, part->at, part->len);
    return ml_give_int(m, o, at == ML_NOWHERE ? -1 : (int64_t)utf8_length(x->at, at));
}

/* The list a with b in between. c: 0 one that is missing makes all missing, 1 missing ones are left
 * out, 2 they are empty; with 3 added: when all are missing, so is the result. */
ML_OPERATION(concat)
{
    const uint32_t *list = ml_list(m, o->a);
    const struct ml_cell *sep = &m->r[o->b];
    struct ml_draft d = ml_draft(m);
    uint32_t used = 0, there = 0, how = o->c % 3;
    if (!sep->at)
        return ml_give_text(m, o, NULL, 0);
    for (uint32_t i = 1; i <= list[0]; i++) {
        const struct ml_cell *x = &m->r[list[i]];
        if (!x->at && how == 0)
            return ml_give_text(m, o, NULL, 0);
        if (!x->at && how == 1)
            continue;
        if (used++ > 0)
            ml_put(&d, sep->at, sep->len);
        ml_put(&d, x->at, x->at ? x->len : 0);
        there += x->at != NULL;
    }
    if (o->c >= 3 && there == 0)
        return ml_give_text(m, o, NULL, 0);
    return ml_give_draft(o, &d);
}

/* Every b becomes c. Flag 1: the first alone. */
ML_OPERATION(replace)
{
    const struct ml_cell *x = &m->r[o->a], *old = &m->r[o->b], *with = &m->r[o->c];
    struct ml_draft d = ml_draft(m);
    if (!x->at || !old->at || !with->at)
        return ml_give_text(m, o, NULL, 0);
    size_t copied = 0, at = old->len ? ml_seek(x, old->at, old->len, 0) : ML_NOWHERE;
    if (at == ML_NOWHERE)
        return ml_op_move(m, o);
    while (at != ML_NOWHERE && !d.full) {
        ml_put(&d, x->at + copied, at - copied);
        ml_put(&d, with->at, with->len);
        copied = at + old->len;
        at = o->flags & 1 ? ML_NOWHERE : ml_seek(x, old->at, old->len, copied);
    }
    ml_put(&d, x->at + copied, x->len - copied);
    return ml_give_draft(o, &d);
}

/* Piece c of a between separators b, from 0 or negative from the end; missing when there is none.
 */
ML_OPERATION(split_part)
{
    const struct ml_cell *x = &m->r[o->a], *sep = &m->r[o->b];
    int64_t wanted = m->r[o->c].i;
    size_t start = 0, at = 0;
    if (!x->at || !sep->at || wanted == ML_INT_MISSING)
        return ml_give_text(m, o, NULL, 0);
    if (sep->len == 0)
        return -ML_WHY_DOMAIN;
    if (wanted < 0)
        wanted += ml_count_parts(x, sep) + 1;
    for (; wanted > 0; wanted--) {
        at = ml_seek(x, sep->at, sep->len, start);
        if (at == ML_NOWHERE)
            return ml_give_text(m, o, NULL, 0);
        start = at + sep->len;
    }
    at = o->flags & 1 ? ML_NOWHERE : ml_seek(x, sep->at, sep->len, start);
    if (wanted < 0)
        return ml_give_text(m, o, NULL, 0);
    return ml_give_text(m, o, x->at + start, (at == ML_NOWHERE ? x->len : at) - start);
}

/* Whether the character is in one of the ranges: pairs of integers, first and last. */
static bool ml_in_ranges(const struct ml_machine *m, const struct ml_range *k, uint32_t c)
{
    const int64_t *at = ml_ints(m, k->first);
    for (uint32_t i = 0; i + 1 < k->count; i += 2)
        if (at[i] <= (int64_t)c && (int64_t)c <= at[i + 1])
            return true;
    return false;
}

/* The character before byte n begins at most three bytes earlier; what is none counts by the
 * byte. */
static size_t ml_last_start(const char *at, size_t n)
{
    size_t start = n - 1, used = 0;
    while (start > 0 && n - start < 4 && ((unsigned char)at[start] & 0xC0) == 0x80)
        start--;
    utf8_decode(at + start, n - start, &used);
    return start + used == n ? start : n - 1;
}

/* Without characters of the ranges b. c: 1 at the start, 2 at the end. */
ML_OPERATION(trim)
{
    struct ml_cell x = m->r[o->a];
    const struct ml_range *k = ml_range(m, o->b);
    size_t used = 0;
    for (; o->c & 1 && x.at && x.len && ml_in_ranges(m, k, utf8_decode(x.at, x.len, &used));
         x.at += used)
        x.len -= (uint32_t)used;
    while (o->c & 2 && x.at && x.len) {
        size_t start = ml_last_start(x.at, x.len);
        if (!ml_in_ranges(m, k, utf8_decode(x.at + start, x.len - start, &used)))
            break;
        x.len = (uint32_t)start;
    }
    m->r[o->to] = x;
    return 0;
}

/* Characters of the ranges b go (c: 0), or become one space for a run of them: everywhere (1), or
 * between others alone (2). */
ML_OPERATION(squeeze)
{
    const struct ml_cell *x = &m->r[o->a];
    const struct ml_range *k = ml_range(m, o->b);
    struct ml_draft d = ml_draft(m);
    bool gap = false;
    size_t used = 0;
    if (!x->at)
        return ml_give_text(m, o, NULL, 0);
    for (size_t i = 0; i < x->len; i += used) {
        bool in = ml_in_ranges(m, k, utf8_decode(x->at + i, x->len - i, &used));
        if (in && o->c == 1 && !gap)
            ml_put(&d, " ", 1);
        if (!in && o->c == 2 && gap && d.len > 0)
            ml_put(&d, " ", 1);
        if (!in)
            ml_put(&d, x->at + i, used);
        gap = in;
    }
    return ml_give_draft(o, &d);
}

/* The runs of four integers: first, last, stride, what is added; stride 0: the number of a text. By
 * first, increasing. */
static const int64_t *ml_find_run(const struct ml_machine *m, const struct ml_range *k, int64_t c)
{
    const int64_t *at = ml_ints(m, k->first);
    uint32_t low = 0, high = k->count / 4;
    while (low < high) { /* the first run that does not end before c */
        uint32_t middle = low + (high - low) / 2;
        if (at[(size_t)middle * 4 + 1] < c)
            low = middle + 1;
        else
            high = middle;
    }
    const int64_t *run = at + (size_t)low * 4;
    return low < k->count / 4 && run[0] <= c ? run : NULL;
}

static void ml_put_mapped(struct ml_draft *d, const int64_t *run, const struct ml_range *texts,
                          uint32_t c)
{
    struct ml_machine *m = d->m;
    if (run && run[2] == 0) {
        uint64_t i = (uint64_t)run[3];
        uint64_t text = i < texts->count ? (uint64_t)ml_ints(m, texts->first)[i] : UINT64_MAX;
        struct ml_text t = {"", 0};
        if (text < m->p->text.count)
            t = ml_text_at(m->p, (uint32_t)text);
        ml_put(d, t.at, t.len);
        return;
    }
    bool moved = run && run[2] > 0 && ((int64_t)c - run[0]) % run[2] == 0;
    ml_put_char(d, moved ? (uint32_t)((uint64_t)c + (uint64_t)run[3]) : c);
}

/* The first text of the list a: what is behind a letter with a case as in the second text, the rest
 * mapped by the runs b, with the texts c. The third text has an a for each such letter. All have as
 * many characters. */
ML_OPERATION(title)
{
    const uint32_t *list = ml_list(m, o->a);
    const struct ml_range *runs = ml_range(m, o->b), *texts = ml_range(m, o->c);
    struct ml_draft d = ml_draft(m);
    size_t i = 0, k = 0, used = 0;
    bool inside = false;
    if (list[0] != 3)
        return -ML_WHY_WRONG;
    struct ml_cell own = m->r[list[1]], small = m->r[list[2]], cased = m->r[list[3]];
    if (!own.at || !small.at || !cased.at)
        return ml_give_text(m, o, NULL, 0);
    while (own.len > 0 && i < small.len && k < cased.len) {
        uint32_t c = utf8_decode(own.at, own.len, &used);
        own.at += used;
        own.len -= (uint32_t)used;
        uint32_t lower = utf8_decode(small.at + i, small.len - i, &used);
        i += used;
        if (inside)
            ml_put_char(&d, lower);
        else
            ml_put_mapped(&d, ml_find_run(m, runs, c), texts, c);
        inside = utf8_decode(cased.at + k, cased.len - k, &used) == 'a';
        k += used;
    }
    return ml_give_draft(o, &d);
}

/* Characters mapped by the runs b, with the texts c. Flag 1: bytes that are no character stay, else
 * they become U+FFFD. */
ML_OPERATION(map_characters)
{
    const struct ml_cell *x = &m->r[o->a];
    const struct ml_range *runs = ml_range(m, o->b), *texts = ml_range(m, o->c);
    struct ml_draft d = ml_draft(m);
    size_t used = 0;
    if (!x->at)
        return ml_give_text(m, o, NULL, 0);
    for (size_t i = 0; i < x->len && !d.full; i += used) {
        uint32_t c = utf8_decode(x->at + i, x->len - i, &used);
        if (c == 0xFFFD && o->flags & 1)
            ml_put(&d, x->at + i, used);
        else
            ml_put_mapped(&d, ml_find_run(m, runs, c), texts, c);
    }
    return ml_give_draft(o, &d);
}

/* The Korean syllable that two characters make, or 0. */
static uint32_t ml_syllable(uint32_t a, uint32_t b)
{
    enum { LEADS = 19, VOWELS = 21, ENDS = 28, FIRST = 0xAC00 };
    uint32_t lead = a - 0x1100, vowel = b - 0x1161, open = a - FIRST, end = b - 0x11A7;
    if (lead < LEADS && vowel < VOWELS)
        return FIRST + (lead * VOWELS + vowel) * ENDS;
    bool closes = open < LEADS * VOWELS * ENDS && open % ENDS == 0 && end > 0 && end < ENDS;
    return closes ? a + end : 0;
}

/* Korean letters become syllables. */
ML_OPERATION(join_jamo)
{
    const struct ml_cell *x = &m->r[o->a];
    struct ml_draft d = ml_draft(m);
    uint32_t before = 0;
    size_t used = 0;
    if (!x->at)
        return ml_give_text(m, o, NULL, 0);
    for (size_t i = 0; i < x->len; i += used) {
        uint32_t c = utf8_decode(x->at + i, x->len - i, &used), joined = ml_syllable(before, c);
        if (i > 0 && !joined)
            ml_put_char(&d, before);
        before = joined ? joined : c;
    }
    if (x->len > 0)
        ml_put_char(&d, before);
    return ml_give_draft(o, &d);
}

static void ml_put_times(struct ml_draft *d, struct ml_text what, uint64_t times)
{
    while (times-- > 0 && !d->full && what.len > 0)
        ml_put(d, what.at, what.len);
}

/* A text that is as wide as asked for, or wider: cut, when at[2] says so, at the end that it would
 * not have been filled at. */
static int ml_give_cut(struct ml_machine *m, const struct ml_op *o, const struct ml_cell *x,
                       const int64_t *at, uint64_t length)
{
    bool at_end = at[1] == 1 || at[1] == 2;
    if (!at[2])
        return ml_op_move(m, o);
    size_t keep = at_end ? 0 : utf8_offset(x->at, x->len, (size_t)(length - (uint64_t)at[0]));
    size_t end = at_end ? utf8_offset(x->at, x->len, (size_t)at[0]) : x->len;
    return ml_give_text(m, o, x->at + keep, end - keep);
}

/* To a width with the text c, one character. The range: width, how (0 at the left, 1 at the right,
 * 2 on both sides, 3 at the left behind a sign), 1 when longer ones are cut. */
ML_OPERATION(pad)
{
    struct ml_cell x = m->r[o->a];
    const struct ml_range *k = ml_range(m, o->b);
    const int64_t *at = ml_ints(m, k->first);
    struct ml_text fill = ml_text_at(m->p, o->c);
    struct ml_draft d = ml_draft(m);
    if (!x.at || k->count != 3 || at[0] < 0)
        return x.at ? -ML_WHY_WRONG : ml_give_text(m, o, NULL, 0);
    uint64_t width = (uint64_t)at[0], length = utf8_length(x.at, x.len);
    if (length >= width)
        return ml_give_cut(m, o, &x, at, length);
    uint64_t lacks = width - length, left = at[1] == 1 ? 0 : lacks;
    if (at[1] == 2) /* an odd one goes left when the width is odd, as in Python */
        left = lacks / 2 + (lacks & width & 1);
    if (at[1] == 3 && x.len > 0 && (x.at[0] == '-' || x.at[0] == '+')) {
        ml_put(&d, x.at++, 1);
        x.len--;
    }
    ml_put_times(&d, fill, left);
    ml_put(&d, x.at, x.len);
    ml_put_times(&d, fill, lacks - left);
    return ml_give_draft(o, &d);
}

/* To b characters with the text in c, which is repeated. Flag 1: at the right. */
ML_OPERATION(fill_to)
{
    const struct ml_cell *x = &m->r[o->a], *fill = &m->r[o->c];
    int64_t width = m->r[o->b].i;
    struct ml_draft d = ml_draft(m);
    if (!x->at || !fill->at || width == ML_INT_MISSING)
        return ml_give_text(m, o, NULL, 0);
    int64_t unit = (int64_t)utf8_length(fill->at, fill->len);
    int64_t lacks = width - (int64_t)utf8_length(x->at, x->len);
    if (unit == 0)
        return -ML_WHY_DOMAIN;
    if (o->flags & 1)
        ml_put(&d, x->at, x->len);
    for (; lacks >= unit && !d.full; lacks -= unit)
        ml_put(&d, fill->at, fill->len);
    if (lacks > 0)
        ml_put(&d, fill->at, utf8_offset(fill->at, fill->len, (size_t)lacks));
    if (!(o->flags & 1))
        ml_put(&d, x->at, x->len);
    return ml_give_draft(o, &d);
}

/* Unicode number of the first character. */
ML_OPERATION(first_character)
{
    const struct ml_cell *x = &m->r[o->a];
    size_t used;
    if (!x->at || x->len == 0)
        return ml_give_int(m, o, ML_INT_MISSING);
    return ml_give_int(m, o, utf8_decode(x->at, x->len, &used));
}
