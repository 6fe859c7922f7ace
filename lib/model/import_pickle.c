/* The pickle machine: a stack of values, a memo, and a handler for each opcode. */
#include "model/import_pickle_file.h"

#include <math.h>
#include <stdio.h>

enum { VALUES_LEAST = 1 << 16, CODE_PROTO = 0x80, CODE_STOP = '.' };

int pickle_wrong(const struct machine *m, const char *what)
{
    return error_set(m->e, ERR_DATA, "byte %zu: %s", (size_t)(m->at - m->file->start), what);
}

static int wrong_global(const struct machine *m, struct text name)
{
    char quoted[QUOTE_MAX];
    return error_set(m->e, ERR_DATA, "byte %zu: the pickle asks for %s, which is not supported",
                     (size_t)(m->at - m->file->start), quote(quoted, name.at, name.len));
}

/* The bytes behind the opcode. */

bool pickle_take(struct machine *m, uint64_t n, struct text *out)
{
    if (n > (uint64_t)(m->file->end - m->at))
        return false;
    *out = (struct text){m->at, (size_t)n};
    m->at += n;
    return true;
}

/* Little-endian, without a sign. */
bool pickle_take_count(struct machine *m, size_t size, uint64_t *out)
{
    struct text bytes;
    if (!pickle_take(m, size, &bytes))
        return false;
    *out = 0;
    for (size_t i = 0; i < size; i++)
        *out |= (uint64_t)(unsigned char)bytes.at[i] << 8 * i;
    return true;
}

int pickle_ends_early(struct machine *m)
{
    return pickle_wrong(m, "the pickle is truncated, or a length in it is too large");
}

/* A length and as many bytes. */
static bool take_counted(struct machine *m, size_t size, struct text *out)
{
    uint64_t n;
    return pickle_take_count(m, size, &n) && pickle_take(m, n, out);
}

static bool take_line(struct machine *m, struct text *out)
{
    const char *newline = memchr(m->at, '\n', (size_t)(m->file->end - m->at));
    if (!newline || !pickle_take(m, (uint64_t)(newline - m->at), out))
        return false;
    m->at++;
    return true;
}

/* The stack. */

static struct pickled *make(struct machine *m, enum pickle_kind kind)
{
    struct pickled *v = arena_zero(&m->file->arena, sizeof *v);
    m->file->values_left -= m->file->values_left > 0;
    v->kind = kind;
    return v;
}

static int push(struct machine *m, struct pickled *v)
{
    vec_push(&m->stack, v);
    return 0;
}

static int push_text(struct machine *m, enum pickle_kind kind, struct text text)
{
    struct pickled *v = make(m, kind);
    v->text = text;
    return push(m, v);
}

static int push_whole(struct machine *m, enum pickle_kind kind, int64_t whole)
{
    struct pickled *v = make(m, kind);
    v->whole = whole;
    return push(m, v);
}

/* Values above the last mark, which nothing may take from below. */
static size_t above_mark(const struct machine *m)
{
    return m->stack.len - (m->marks.len ? m->marks.at[m->marks.len - 1] : 0);
}

static int empty_stack(const struct machine *m)
{
    return pickle_wrong(m, "the pickle takes values that it does not have");
}

static struct pickled *top(const struct machine *m)
{
    return m->stack.at[m->stack.len - 1];
}

/* n > 0. Grows in the arena: what is left behind adds up to no more than what is in use. */
static void add_items(struct machine *m, struct pickled *to, struct pickled **from, size_t n)
{
    size_t need = to->items.len + n;
    if (need > to->items.cap) {
        size_t cap = need > 2 * to->items.cap ? need : 2 * to->items.cap;
        struct pickled **wider = arena_alloc(&m->file->arena, cap * sizeof *wider);
        if (to->items.len)
            memcpy(wider, to->items.at, to->items.len * sizeof *wider);
        to->items.at = wider;
        to->items.cap = cap;
    }
    memcpy(to->items.at + to->items.len, from, n * sizeof *from);
    to->items.len = need;
}

/* The last n values become one of `kind`. */
static int gather(struct machine *m, enum pickle_kind kind, size_t n)
{
    if (above_mark(m) < n)
        return empty_stack(m);
    struct pickled *v = make(m, kind);
    m->stack.len -= n;
    if (n)
        add_items(m, v, m->stack.at + m->stack.len, n);
    return push(m, v);
}

/* Those above the last mark are to be taken: how many. */
static int drop_mark(struct machine *m, size_t *n)
{
    if (m->marks.len == 0)
        return pickle_wrong(m, "the pickle goes back to a mark that it never set");
    *n = above_mark(m);
    m->marks.len--;
    return 0;
}

static int gather_marked(struct machine *m, enum pickle_kind kind)
{
    size_t n = 0;
    int status = drop_mark(m, &n);
    return status ? status : gather(m, kind, n);
}

/* Key, value, key ... */
static int gather_pairs(struct machine *m)
{
    return above_mark(m) % 2 ? empty_stack(m) : gather_marked(m, PICKLE_DICT);
}

/* The last n values go into the list, the set or the dict under them. */
static int append(struct machine *m, size_t n, enum pickle_kind kind)
{
    if (above_mark(m) < n + 1 || (kind == PICKLE_DICT && n % 2))
        return empty_stack(m);
    m->stack.len -= n;
    if (top(m)->kind != kind)
        return pickle_wrong(m, "the pickle adds items to what is no list or dict");
    if (n)
        add_items(m, top(m), m->stack.at + m->stack.len, n);
    return 0;
}

static int append_marked(struct machine *m, enum pickle_kind kind)
{
    size_t n = 0;
    int status = drop_mark(m, &n);
    return status ? status : append(m, n, kind);
}

static int push_global(struct machine *m, struct text module, struct text name)
{
    if (module.len + name.len > 512)
        return pickle_wrong(m, "the name of a class is too long");
    const char *full = arena_format(&m->file->arena, "%.*s.%.*s", (int)module.len, module.at,
                                    (int)name.len, name.at);
    struct text text = text_of(full);
    if (!pickle_allows(text))
        return wrong_global(m, text);
    return push_text(m, PICKLE_GLOBAL, text);
}

static int make_object(struct machine *m, struct pickled *class, struct pickled *args)
{
    struct pickled *v = make(m, PICKLE_OBJECT);
    if (class->kind != PICKLE_GLOBAL || args->kind != PICKLE_TUPLE)
        return pickle_wrong(m, "the pickle calls what is no class");
    v->object.class = class;
    v->object.args = args;
    return push(m, v);
}

static int op_newobj(struct machine *m)
{
    if (above_mark(m) < 2)
        return empty_stack(m);
    m->stack.len -= 2;
    return make_object(m, m->stack.at[m->stack.len], m->stack.at[m->stack.len + 1]);
}

static int op_newobj_ex(struct machine *m)
{
    if (above_mark(m) < 3)
        return empty_stack(m);
    m->stack.len--; /* arguments with names */
    return op_newobj(m);
}

static int op_reduce(struct machine *m)
{
    if (above_mark(m) < 2)
        return empty_stack(m);
    struct pickled *args = m->stack.at[m->stack.len - 1], *callee = m->stack.at[m->stack.len - 2];
    pickle_maker *maker = callee->kind == PICKLE_GLOBAL ? pickle_find_maker(callee->text) : NULL;
    if (!maker || args->kind != PICKLE_TUPLE)
        return op_newobj(m);
    struct pickled *v = make(m, PICKLE_NONE);
    const char *problem = maker(m->file, args, v);
    m->stack.len -= 2;
    return problem ? pickle_wrong(m, problem) : push(m, v);
}

static int op_build(struct machine *m)
{
    if (above_mark(m) < 2)
        return empty_stack(m);
    struct pickled *state = m->stack.at[--m->stack.len], *v = top(m);
    const char *problem = NULL;
    if (v->kind == PICKLE_ARRAY)
        problem = array_build(v->array, state);
    else if (v->kind == PICKLE_DTYPE)
        problem = dtype_build(&m->file->arena, v->dtype, state);
    else if (v->kind == PICKLE_OBJECT)
        v->object.state = state;
    else
        problem = "the pickle gives a state to what is no object";
    if (problem)
        return pickle_wrong(m, problem);
    return pickle_is_wrapper(v) ? pickle_read_behind(m, v) : 0;
}

/* The memo. Picklers number its entries one after another; only what is far beyond the bytes read
 * is refused, because the memo is that long. */

static int remember(struct machine *m, uint64_t index)
{
    if (above_mark(m) == 0)
        return empty_stack(m);
    if (index > (uint64_t)(m->at - m->base))
        return pickle_wrong(m, "the number of a memo is too large");
    while (m->memo.len <= index)
        vec_push(&m->memo, NULL);
    m->memo.at[index] = top(m);
    return 0;
}

static int op_put(struct machine *m, size_t size)
{
    uint64_t index;
    return pickle_take_count(m, size, &index) ? remember(m, index) : pickle_ends_early(m);
}

static int recall(struct machine *m, uint64_t index)
{
    if (index >= m->memo.len || !m->memo.at[index])
        return pickle_wrong(m, "the pickle asks for a memo that it never made");
    return push(m, m->memo.at[index]);
}

static int op_get(struct machine *m, size_t size)
{
    uint64_t index;
    return pickle_take_count(m, size, &index) ? recall(m, index) : pickle_ends_early(m);
}

/* One handler per opcode. */

static int op_proto(struct machine *m)
{
    uint64_t version;
    if (!pickle_take_count(m, 1, &version))
        return pickle_ends_early(m);
    return version >= 2 && version <= 5 ? 0 : pickle_wrong(m, "a protocol that is not supported");
}

static int op_frame(struct machine *m)
{
    uint64_t n;
    if (!pickle_take_count(m, 8, &n))
        return pickle_ends_early(m);
    return n <= (uint64_t)(m->file->end - m->at) ? 0 : pickle_ends_early(m);
}

static int op_mark(struct machine *m)
{
    vec_push(&m->marks, m->stack.len);
    return 0;
}

static int op_pop(struct machine *m)
{
    if (m->marks.len && above_mark(m) == 0)
        m->marks.len--;
    else if (m->stack.len == 0)
        return empty_stack(m);
    else
        m->stack.len--;
    return 0;
}

static int op_pop_mark(struct machine *m)
{
    size_t n = 0;
    int status = drop_mark(m, &n);
    m->stack.len -= status ? 0 : n;
    return status;
}

static int op_dup(struct machine *m)
{
    return above_mark(m) ? push(m, top(m)) : empty_stack(m);
}

static int op_global(struct machine *m)
{
    struct text module, name;
    if (!take_line(m, &module) || !take_line(m, &name))
        return pickle_ends_early(m);
    return push_global(m, module, name);
}

static int op_stack_global(struct machine *m)
{
    if (above_mark(m) < 2)
        return empty_stack(m);
    m->stack.len -= 2;
    const struct pickled *module = m->stack.at[m->stack.len];
    const struct pickled *name = m->stack.at[m->stack.len + 1];
    if (module->kind != PICKLE_TEXT || name->kind != PICKLE_TEXT)
        return pickle_wrong(m, "the name of a class is no text");
    return push_global(m, module->text, name->text);
}

static int push_int(struct machine *m, size_t size, bool has_sign)
{
    uint64_t bits;
    if (!pickle_take_count(m, size, &bits))
        return pickle_ends_early(m);
    return push_whole(m, PICKLE_INT, has_sign ? (int64_t)(int32_t)(uint32_t)bits : (int64_t)bits);
}

/* Two's complement of any length. */
static int push_long(struct machine *m, size_t size)
{
    struct text bytes;
    if (!take_counted(m, size, &bytes))
        return pickle_ends_early(m);
    if (bytes.len > 8)
        return push_text(m, PICKLE_LONG, bytes);
    uint64_t bits = 0;
    for (size_t i = 0; i < bytes.len; i++)
        bits |= (uint64_t)(unsigned char)bytes.at[i] << 8 * i;
    if (bytes.len && bytes.len < 8 && (unsigned char)bytes.at[bytes.len - 1] & 0x80)
        bits |= UINT64_MAX << 8 * bytes.len;
    return push_whole(m, PICKLE_INT, (int64_t)bits);
}

static int op_float(struct machine *m)
{
    uint64_t bits;
    if (!pickle_take_count(m, 8, &bits))
        return pickle_ends_early(m);
    bits = __builtin_bswap64(bits);
    struct pickled *v = make(m, PICKLE_FLOAT);
    memcpy(&v->real, &bits, sizeof v->real);
    return push(m, v);
}

/* Protocols 0 and 1 write values as lines of text. */

static int bad_line(struct machine *m)
{
    return pickle_wrong(m, "a line of the pickle is no value of its type");
}

static int op_int_line(struct machine *m)
{
    struct text line;
    int64_t whole;
    double unused;
    if (!take_line(m, &line))
        return pickle_ends_early(m);
    if (text_equal(line, TEXT_LITERAL("00")) || text_equal(line, TEXT_LITERAL("01")))
        return push_whole(m, PICKLE_BOOL, line.at[1] == '1');
    if (line.len > 0 && line.at[line.len - 1] == 'L')
        line.len--;
    switch (number_parse(line.at, line.len, &whole, &unused)) {
    case NUMBER_INT:
        return push_whole(m, PICKLE_INT, whole);
    case NUMBER_FLOAT:
        return push_text(m, PICKLE_LONG, line);
    default:
        return bad_line(m);
    }
}

static int op_float_line(struct machine *m)
{
    struct text line;
    if (!take_line(m, &line))
        return pickle_ends_early(m);
    struct pickled *v = make(m, PICKLE_FLOAT);
    if (text_equal(line, TEXT_LITERAL("nan")))
        v->real = (double)NAN;
    else if (text_equal(line, TEXT_LITERAL("inf")) || text_equal(line, TEXT_LITERAL("-inf")))
        v->real = *line.at == '-' ? -(double)INFINITY : (double)INFINITY;
    else if (!number_parse_double(line.at, line.len, &v->real))
        return bad_line(m);
    return push(m, v);
}

/* A text as Python 2 or 3 writes it in a line. */
static int push_line(struct machine *m, bool wide)
{
    struct text line, text;
    if (!take_line(m, &line))
        return pickle_ends_early(m);
    if (!pickle_unescape(&m->file->arena, line, wide, &text))
        return bad_line(m);
    return push_text(m, PICKLE_TEXT, text);
}

static bool take_index(struct machine *m, uint64_t *index)
{
    struct text line;
    int64_t whole;
    double unused;
    if (!take_line(m, &line) || number_parse(line.at, line.len, &whole, &unused) != NUMBER_INT ||
        whole < 0)
        return false;
    *index = (uint64_t)whole;
    return true;
}

static int op_put_line(struct machine *m)
{
    uint64_t index;
    return take_index(m, &index) ? remember(m, index) : bad_line(m);
}

static int op_get_line(struct machine *m)
{
    uint64_t index;
    return take_index(m, &index) ? recall(m, index) : bad_line(m);
}

static int push_counted(struct machine *m, size_t size, enum pickle_kind kind)
{
    struct text text;
    return take_counted(m, size, &text) ? push_text(m, kind, text) : pickle_ends_early(m);
}

#define OPERATION(name, call)                                                                      \
    static int op_##name(struct machine *m)                                                        \
    {                                                                                              \
        return call;                                                                               \
    }
OPERATION(none, push(m, m->file->none))
OPERATION(true, push(m, m->file->truth[1]))
OPERATION(false, push(m, m->file->truth[0]))
OPERATION(int1, push_int(m, 1, false))
OPERATION(int2, push_int(m, 2, false))
OPERATION(int4, push_int(m, 4, true))
OPERATION(long1, push_long(m, 1))
OPERATION(long4, push_long(m, 4))
OPERATION(text1, push_counted(m, 1, PICKLE_TEXT))
OPERATION(text4, push_counted(m, 4, PICKLE_TEXT))
OPERATION(text8, push_counted(m, 8, PICKLE_TEXT))
OPERATION(bytes1, push_counted(m, 1, PICKLE_BYTES))
OPERATION(bytes4, push_counted(m, 4, PICKLE_BYTES))
OPERATION(bytes8, push_counted(m, 8, PICKLE_BYTES))
OPERATION(empty_list, gather(m, PICKLE_LIST, 0))
OPERATION(empty_dict, gather(m, PICKLE_DICT, 0))
OPERATION(empty_tuple, gather(m, PICKLE_TUPLE, 0))
OPERATION(tuple1, gather(m, PICKLE_TUPLE, 1))
OPERATION(tuple2, gather(m, PICKLE_TUPLE, 2))
OPERATION(tuple3, gather(m, PICKLE_TUPLE, 3))
OPERATION(tuple, gather_marked(m, PICKLE_TUPLE))
OPERATION(list, gather_marked(m, PICKLE_LIST))
OPERATION(dict, gather_pairs(m))
OPERATION(text_line, push_line(m, false))
OPERATION(wide_line, push_line(m, true))
OPERATION(append, append(m, 1, PICKLE_LIST))
OPERATION(appends, append_marked(m, PICKLE_LIST))
OPERATION(setitem, append(m, 2, PICKLE_DICT))
OPERATION(setitems, append_marked(m, PICKLE_DICT))
OPERATION(put1, op_put(m, 1))
OPERATION(put4, op_put(m, 4))
OPERATION(get1, op_get(m, 1))
OPERATION(get4, op_get(m, 4))
OPERATION(memoize, remember(m, m->memo.len))

static int (*const operations[256])(struct machine *m) = {
    [CODE_PROTO] = op_proto, [0x95] = op_frame,        ['('] = op_mark,
    ['0'] = op_pop,          ['1'] = op_pop_mark,      ['2'] = op_dup,
    ['c'] = op_global,       [0x93] = op_stack_global, ['R'] = op_reduce,
    ['b'] = op_build,        [0x81] = op_newobj,       [0x92] = op_newobj_ex,
    ['N'] = op_none,         [0x88] = op_true,         [0x89] = op_false,
    ['K'] = op_int1,         ['M'] = op_int2,          ['J'] = op_int4,
    [0x8a] = op_long1,       [0x8b] = op_long4,        ['G'] = op_float,
    [0x8c] = op_text1,       ['X'] = op_text4,         [0x8d] = op_text8,
    ['U'] = op_text1,        ['T'] = op_text4,         ['C'] = op_bytes1,
    ['B'] = op_bytes4,       [0x8e] = op_bytes8,       [0x96] = op_bytes8,
    [']'] = op_empty_list,   ['}'] = op_empty_dict,    [')'] = op_empty_tuple,
    [0x85] = op_tuple1,      [0x86] = op_tuple2,       [0x87] = op_tuple3,
    ['t'] = op_tuple,        ['l'] = op_list,          ['a'] = op_append,
    ['e'] = op_appends,      ['s'] = op_setitem,       ['u'] = op_setitems,
    [0x8f] = op_empty_list,  [0x90] = op_appends,      [0x91] = op_list,
    ['q'] = op_put1,         ['r'] = op_put4,          ['h'] = op_get1,
    ['j'] = op_get4,         [0x94] = op_memoize,      ['d'] = op_dict,
    ['I'] = op_int_line,     ['L'] = op_int_line,      ['F'] = op_float_line,
    ['S'] = op_text_line,    ['V'] = op_wide_line,     ['p'] = op_put_line,
    ['g'] = op_get_line,
};

static int unknown_operation(struct machine *m, unsigned char code)
{
    m->at--;
    return error_set(m->e, ERR_DATA,
                     "byte %zu: the pickle has the operation 0x%02x, which is not "
                     "supported",
                     (size_t)(m->at - m->file->start), code);
}

static int run_operations(struct machine *m)
{
    int status = 0;
    while (status == 0) {
        if (m->at == m->file->end)
            return pickle_ends_early(m);
        unsigned char code = (unsigned char)*m->at++;
        if (code == CODE_STOP)
            return m->stack.len == 1 && m->marks.len == 0 ? 0 : empty_stack(m);
        status = operations[code] ? operations[code](m) : unknown_operation(m, code);
        if (status == 0 && m->file->values_left == 0)
            status = pickle_wrong(m, "the pickle makes too many values for its size");
    }
    return status;
}

int pickle_run(struct machine *m, struct pickled **root)
{
    int status = run_operations(m);
    *root = status == 0 && m->stack.at ? m->stack.at[0] : NULL;
    vec_release(&m->stack);
    vec_release(&m->memo);
    vec_release(&m->marks);
    return status;
}

static void make_constants(struct machine *m)
{
    m->file->none = make(m, PICKLE_NONE);
    for (size_t i = 0; i < 2; i++) {
        m->file->truth[i] = make(m, PICKLE_BOOL);
        m->file->truth[i]->whole = (int64_t)i;
    }
}

int pickle_read(const char *bytes, size_t n, struct pickle *p, struct error *e)
{
    struct pickle_file file = {
        .start = bytes, .end = bytes + n, .text_room = 2 * n, .values_left = n / 2 + VALUES_LEAST};
    struct machine m = {.file = &file, .base = bytes, .at = bytes, .e = e};
    make_constants(&m);
    int status = pickle_run(&m, &p->root);
    p->joblib = file.joblib;
    p->arena = file.arena;
    return status;
}

void pickle_release(struct pickle *p)
{
    arena_release(&p->arena);
}
