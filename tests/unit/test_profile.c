#include "store/profile.h"

#include "sys/sys.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { MEMORY = 1 << 20 };

static struct feature feature_of(const char *type)
{
    struct feature f = {.name = NULL};
    CHECK(feature_type_parse(text_of(type), &f));
    f.name = "f";
    return f;
}

static struct profile *learning(const char *type)
{
    struct feature f = feature_of(type);
    return profile_new(&f, MEMORY);
}

static struct profile *bins_of(struct profile *from)
{
    struct profile *out = NULL;
    struct error e = {0};
    CHECK_INT(profile_bins(from, &out, &e), 0);
    return out;
}

/* Cell i of a set: of any type, some missing, some frequent. */
static struct text cell_of(const char *type, uint64_t set, uint64_t i, struct buf *out)
{
    static const char *const cities[] = {"oslo", "rome", "\303\205bo", "", "a\\b", "bad \xFF"};
    uint64_t n = random_below(7, set, i, 1000);
    out->len = 0;
    if (n < 50)
        return (struct text){NULL, 0};
    if (strcmp(type, "float") == 0)
        buf_format(out, "%.6f", n < 200 ? 1.5 : random_normal(8, set, i) + (double)set / 4);
    else if (strcmp(type, "int") == 0)
        buf_format(out, "%d", (int)(n % 10));
    else if (strcmp(type, "bool") == 0)
        buf_puts(out, n % 3 ? "true" : "FALSE");
    else if (strcmp(type, "time") == 0)
        buf_format(out, "2024-01-%02dT00:00:00+01:00", (int)(n % 28) + 1);
    else if (strcmp(type, "list-int") == 0)
        buf_puts(out, n % 2 ? "[]" : "[1, 2, 3]");
    else if (set < 9)
        buf_puts(out, cities[n % COUNT_OF(cities)]);
    else
        buf_format(out, n % 2 ? "frequent" : "id%" PRIu64, i);
    return (struct text){buf_text(out), out->len};
}

static void add_cells(struct profile *p, const char *type, uint64_t set, uint64_t from, uint64_t to)
{
    struct buf cell = {0};
    struct error e = {0};
    for (uint64_t i = from; i < to; i++)
        CHECK_INT(profile_add(p, cell_of(type, set, i, &cell), &e), 0);
    CHECK_INT(profile_flush(p, &e), 0);
    buf_release(&cell);
}

static char *saved(const struct profile *p)
{
    json_t *j = profile_save(p);
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    return text;
}

/* A profile with bins of a set, and what it counted there. */
static struct profile *counted(const char *type, uint64_t set, uint64_t n)
{
    struct profile *learnt = learning(type);
    add_cells(learnt, type, set, 0, n);
    struct profile *p = bins_of(learnt);
    profile_free(learnt);
    add_cells(p, type, set, 0, n);
    return p;
}

static const char *const types[] = {"float", "int", "bool", "time", "list-int", "text"};

TEST(what_is_saved_comes_back_to_the_bit)
{
    for (size_t i = 0; i < 2 * COUNT_OF(types); i++) {
        struct profile *p = counted(types[i % COUNT_OF(types)], i < COUNT_OF(types) ? 1 : 9, 3000);
        struct profile *back = NULL;
        struct error e = {0};
        char *before = saved(p);
        json_t *j = json_loads(before, 0, NULL);
        CHECK_INT(profile_load(j, &back, &e), 0);
        CHECK_TEXT(e.message, "");
        if (back) {
            char *after = saved(back);
            CHECK_TEXT(after, before);
            free(after);
        }
        json_decref(j);
        free(before);
        profile_free(p);
        profile_free(back);
    }
}

TEST(merged_parts_are_the_whole)
{
    struct error e = {0};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct profile *whole = learning(types[i]), *a = learning(types[i]),
                       *b = learning(types[i]);
        add_cells(whole, types[i], 2, 0, 4000);
        add_cells(a, types[i], 2, 1500, 4000);
        add_cells(b, types[i], 2, 0, 1500);
        CHECK_INT(profile_merge(a, b, &e), 0);
        struct profile *bins = bins_of(whole), *same = bins_of(a), *half = bins_of(bins);
        char *want = saved(bins), *got = saved(same);
        CHECK_TEXT(got, want);
        free(want);
        free(got);
        add_cells(bins, types[i], 3, 0, 4000);
        add_cells(same, types[i], 3, 700, 4000);
        add_cells(half, types[i], 3, 0, 700);
        CHECK_INT(profile_merge(same, half, &e), 0);
        want = saved(bins);
        got = saved(same);
        CHECK_TEXT(got, want);
        free(want);
        free(got);
        struct profile *all[] = {whole, a, b, bins, same, half};
        for (size_t k = 0; k < COUNT_OF(all); k++)
            profile_free(all[k]);
    }
}

TEST(cells_that_are_none_are_refused)
{
    static const struct {
        const char *type, *cell;
    } bad[] = {
        {"int", "x"},          {"float", "1e999"},     {"float", ""},         {"bool", "yes"},
        {"bool", "truefalse"}, {"time", "2024-01-01"}, {"time", "noon"},      {"list-int", "{}"},
        {"list-int", "[1"},    {"list-int", "[] 1"},   {"list-int", "[[1}]"}, {"list-int", "3"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct profile *p = learning(bad[i].type);
        struct error e = {0};
        CHECK_INT(profile_add(p, text_of(bad[i].cell), &e), ERR_DATA);
        CHECK(strstr(e.message, "feature 'f': ") == e.message);
        CHECK_INT(p->rows, 0);
        profile_free(p);
    }
}

/* ---- bins ---- */

static struct profile *of_numbers(const double *x, size_t n)
{
    struct profile *p = learning("float");
    char room[NUMBER_MAX];
    struct error e = {0};
    for (size_t i = 0; i < n; i++)
        CHECK_INT(profile_add(p, (struct text){room, number_print(room, x[i])}, &e), 0);
    return p;
}

static void check_edges(const double *x, size_t n, const double *edges, size_t bins)
{
    struct profile *p = of_numbers(x, n), *b = bins_of(p);
    CHECK_INT(b->histogram.bins, bins);
    for (size_t i = 0; i <= bins && b->histogram.bins == bins; i++)
        CHECK_DOUBLE(b->histogram.edges[i], edges[i]);
    profile_free(p);
    profile_free(b);
}

TEST(edges_of_odd_sets)
{
    double up = nextafter(3, DBL_MAX), two = nextafter(2, DBL_MAX);
    check_edges((double[]){3, 3, 3}, 3, (double[]){3, up}, 1);
    check_edges((double[]){3}, 1, (double[]){3, up}, 1);
    check_edges(NULL, 0, (double[]){0}, 0);
    check_edges((double[]){DBL_MAX, DBL_MAX}, 2, (double[]){nextafter(DBL_MAX, 0), DBL_MAX}, 1);
    check_edges((double[]){-0.0, 0.0}, 2, (double[]){0, nextafter(0, 1)}, 1);
    double x[400];
    for (size_t i = 0; i < COUNT_OF(x); i++)
        x[i] = i < 200 ? 2 : 3;
    /* The middle one of the quantiles lies between. */
    check_edges(x, COUNT_OF(x), (double[]){2, two, 2.5, 3, up}, 4);
}

TEST(numbers_that_lie_on_edges_are_counted_once)
{
    double x[] = {1, 1, 1, 2, DBL_MAX, -DBL_MAX, 0, 5e-324, 7, 7};
    struct profile *p = of_numbers(x, COUNT_OF(x)), *b = bins_of(p);
    struct error e = {0};
    char room[NUMBER_MAX];
    for (size_t i = 0; i < COUNT_OF(x); i++)
        CHECK_INT(profile_add(b, (struct text){room, number_print(room, x[i])}, &e), 0);
    CHECK_INT(profile_flush(b, &e), 0);
    uint64_t sum = 0;
    for (size_t i = 0; i < b->histogram.bins; i++)
        sum += b->histogram.counts[i];
    CHECK_INT(sum, COUNT_OF(x));
    CHECK_INT(b->histogram.below + b->histogram.above, 0);
    profile_free(p);
    profile_free(b);
}

TEST(long_texts_go_by_their_beginning_and_a_hash)
{
    struct profile *p = learning("text");
    char text[1000];
    struct error e = {0};
    struct text value[4];
    uint64_t count[4];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '\xA5' : '\xC3'; /* an a with a ring, 500 times */
    for (size_t n = 996; n <= 1000; n += 2)
        CHECK_INT(profile_add(p, (struct text){text + (n == 998), n - (n == 998)}, &e), 0);
    CHECK_INT(profile_add(p, (struct text){text, 1000}, &e), 0);
    CHECK_INT(profile_top(p, 4, value, count), 3);
    CHECK_INT(count[0], 2);
    for (size_t i = 0; i < 2; i++)
        CHECK(value[i].len <= PROFILE_TEXT_MAX);
    CHECK_INT(value[0].len, 217);
    CHECK_INT(profile_flush(p, &e), 0);
    CHECK_DOUBLE(p->moments.max, 500);
    profile_free(p);
}

TEST(of_many_texts_the_frequent_ones_are_kept)
{
    struct profile *p = counted("text", 9, 20000);
    CHECK(!p->complete);
    CHECK_INT(p->categories.map.keys.len, 1);
    CHECK_INT(p->categories.n.at[0] + p->other, profile_values(p));
    CHECK(p->categories.n.at[0] > 9000 && p->categories.n.at[0] < 10000);
    profile_free(p);
}

/* ---- comparing ---- */

TEST(a_set_is_not_apart_from_itself)
{
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct profile *p = counted(types[i], 4, 3000), *again = bins_of(p);
        struct comparison c;
        add_cells(again, types[i], 4, 0, 3000);
        profile_compare(p, again, &c);
        CHECK_DOUBLE(c.psi, 0);
        CHECK(isnan(c.ks) || c.ks == 0);
        CHECK_DOUBLE(c.distinct_change, 0);
        CHECK(isnan(c.new_share) || c.new_share == 0);
        CHECK_DOUBLE(c.missing_before, c.missing_after);
        profile_free(p);
        profile_free(again);
    }
}

static int compare_doubles(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

TEST(the_distance_is_within_its_error)
{
    double x[3000], y[3000];
    struct error e = {0};
    char room[NUMBER_MAX];
    for (uint64_t set = 0; set < 6; set++) {
        for (size_t i = 0; i < COUNT_OF(x); i++) {
            x[i] = random_normal(set, 1, i);
            y[i] = random_normal(set, 2, i) * (1 + (double)set / 10) + (double)set / 5;
            if (set % 2) /* few values: no error */
                x[i] = round(x[i]), y[i] = round(y[i]);
        }
        struct profile *learnt = of_numbers(x, COUNT_OF(x)), *a = bins_of(learnt), *b = bins_of(a);
        struct comparison c;
        for (size_t i = 0; i < COUNT_OF(x); i++) {
            CHECK_INT(profile_add(a, (struct text){room, number_print(room, x[i])}, &e), 0);
            CHECK_INT(profile_add(b, (struct text){room, number_print(room, y[i])}, &e), 0);
        }
        CHECK_INT(profile_flush(a, &e) + profile_flush(b, &e), 0);
        qsort(x, COUNT_OF(x), sizeof *x, compare_doubles);
        qsort(y, COUNT_OF(y), sizeof *y, compare_doubles);
        double exact = difference_ks(x, COUNT_OF(x), y, COUNT_OF(y), NULL);
        profile_compare(a, b, &c);
        CHECK(c.ks <= exact + 1e-12 && exact <= c.ks + c.ks_error + 1e-12);
        CHECK(c.ks_error < 0.02);
        profile_free(learnt);
        profile_free(a);
        profile_free(b);
    }
}

/* The change of distinct values from n rows of d values to m of k; all in turn. */
static double change(int d, int n, int k, int m)
{
    struct profile *p = learning("int"), *a = bins_of(p), *b = bins_of(p);
    struct comparison c;
    struct error e = {0};
    char room[NUMBER_MAX];
    for (int i = 0; i < n; i++)
        CHECK_INT(profile_add(a, (struct text){room, number_print_int(room, i % d)}, &e), 0);
    for (int i = 0; i < m; i++)
        CHECK_INT(profile_add(b, (struct text){room, number_print_int(room, i % k)}, &e), 0);
    profile_compare(a, b, &c);
    profile_free(p);
    profile_free(a);
    profile_free(b);
    return round(c.distinct_change * 100) / 100 + 0.0;
}

TEST(distinct_values_are_seen_beside_the_number_of_rows)
{
    CHECK_DOUBLE(change(10, 1000, 10, 1000), 0);
    CHECK_DOUBLE(change(10, 1000, 20, 1000), 1);
    CHECK_DOUBLE(change(10, 1000, 5, 1000), -0.5);
    CHECK_DOUBLE(change(100, 100, 400, 400), 0); /* all different */
    CHECK_DOUBLE(change(400, 400, 100, 100), 0);
    CHECK_DOUBLE(change(10, 1000, 10, 10), 0);
    CHECK_DOUBLE(change(10, 100, 15, 200), 0); /* between 10 and 20 */
    CHECK_DOUBLE(change(100, 200, 20, 100), -0.6);
}

TEST(nothing_is_compared_with_nothing)
{
    struct profile *p = learning("float"), *a = bins_of(p), *b = bins_of(a);
    struct comparison c;
    struct error e = {0};
    profile_compare(a, b, &c);
    CHECK(isnan(c.psi) && isnan(c.ks) && isnan(c.missing_after) && isnan(c.distinct_change));
    CHECK_INT(profile_add(a, (struct text){NULL, 0}, &e), 0);
    CHECK_INT(profile_add(b, text_of("1"), &e), 0);
    CHECK_INT(profile_flush(b, &e), 0);
    profile_compare(a, b, &c);
    CHECK(c.psi > 10 && isnan(c.ks));
    profile_free(p);
    profile_free(a);
    profile_free(b);
}

/* ---- files ---- */

static struct group *group_in(const char *name)
{
    unit_remove(in_folder(name));
    CHECK_INT(folder_make(in_folder(name), &(struct error){0}), 0);
    return group_new(in_folder(name), "users");
}

static void save_both(const struct group *g)
{
    struct baseline b = {.made = 1700000000000000, .until = 9, .newest = true, .has_to = true};
    struct profile *text = counted("text", 1, 60), *number = counted("int", 1, 60);
    struct error e = {0};
    mem_free((char *)(uintptr_t)number->feature.name);
    number->feature.name = mem_text("n");
    vec_push(&b.features, text);
    vec_push(&b.features, number);
    CHECK_INT(baseline_save(g, "b", &b, &e), 0);
    CHECK_TEXT(e.message, "");
    baseline_release(&b);
}

static char *baseline_path(const struct group *g)
{
    return mem_format("%s/baselines/b.json", g->folder);
}

static void put_file(const char *path, const char *at, size_t n)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(at, 1, n, f) == n);
    CHECK(f && fclose(f) == 0);
}

static int load(const struct group *g, struct error *e)
{
    struct baseline b;
    *e = (struct error){0};
    int status = baseline_load(g, "b", &b, e);
    if (status == 0)
        baseline_release(&b);
    return status;
}

TEST(a_baseline_that_is_cut_or_changed_is_refused)
{
    struct group *g = group_in("cut");
    save_both(g);
    char *path = baseline_path(g);
    struct buf text = {0};
    struct error e = {0};
    CHECK_INT(file_load(path, 1 << 20, &text, &e), 0);
    CHECK_INT(load(g, &e), 0);
    for (size_t n = 0; n + 1 < text.len; n++) {
        put_file(path, text.at, n);
        CHECK_INT(load(g, &e), ERR_DATA);
        CHECK(e.message[0] && strstr(e.file, "b.json"));
    }
    static const char others[] = "0-9\"{}[],:\\ tfe";
    for (size_t i = 0; i < text.len; i++) { /* another byte: right or wrong, it is no crash */
        char was = text.at[i];
        text.at[i] = others[i % (sizeof others - 1)];
        put_file(path, text.at, text.len);
        int status = load(g, &e);
        CHECK(status == 0 || status == ERR_DATA);
        text.at[i] = was;
    }
    buf_release(&text);
    mem_free(path);
    group_free(g);
}

/* Replaces a part of what was saved. */
static int load_with(const struct group *g, const char *part, const char *by, struct error *e)
{
    char *path = baseline_path(g);
    struct buf text = {0}, other = {0};
    CHECK_INT(file_load(path, 1 << 20, &text, e), 0);
    const char *at = strstr(buf_text(&text), part);
    CHECK(at != NULL);
    if (!at)
        at = text.at;
    buf_add(&other, text.at, (size_t)(at - text.at));
    buf_puts(&other, by);
    buf_puts(&other, at + strlen(part));
    put_file(path, other.at, other.len);
    int status = load(g, e);
    put_file(path, text.at, text.len);
    buf_release(&text);
    buf_release(&other);
    mem_free(path);
    return status;
}

TEST(a_baseline_that_does_not_add_up_is_refused)
{
    static const char *const changes[][2] = {
        {"\"fstore_baseline\":1", "\"fstore_baseline\":2"},
        {"\"rows\":60", "\"rows\":61"},
        {"\"rows\":60", "\"rows\":-1"},
        {"\"rows\":60", "\"rows\":9223372036854775807"},
        {"\"missing\":", "\"missing\":1"},
        {"\"other\":0", "\"other\":1"},
        {"\"other\":0", "\"other\":\"0\""},
        {"\"complete\":true", "\"complete\":1"},
        {"\"oslo\":[", "\"oslo\":[1"},
        {"\"name\":\"n\"", "\"name\":\"f\""},
        {"\"name\":\"n\"", "\"name\":\"../n\""},
        {"\"type\":\"int\"", "\"type\":\"text\""},
        {"\"type\":\"int\"", "\"type\":\"vector-0\""},
        {"\"edges\":[0.0,", "\"edges\":[8.5,"},
        {"\"edges\":[0.0,", "\"edges\":["},
        {"\"edges\":[0.0,", "\"edges\":[null,"},
        {"\"counts\":[", "\"counts\":[0,"},
        {"\"counts\":[", "\"counts\":[-"},
        {"\"below\":0", "\"below\":1"},
        {"\"records\":\"newest\"", "\"records\":\"new\""},
        {"\"made\":\"2", "\"made\":\"x"},
        {"\"features\":[", "\"features\":[3,"},
        {"\"features\":[", "\"features\":[],\"more\":["},
    };
    struct group *g = group_in("sums");
    struct error e;
    save_both(g);
    for (size_t i = 0; i + 1 < COUNT_OF(changes); i++) {
        CHECK_INT(load_with(g, changes[i][0], changes[i][1], &e), ERR_DATA);
        if (e.code != ERR_DATA)
            printf("# %s\n", changes[i][1]);
    }
    CHECK_INT(
        load_with(g, changes[COUNT_OF(changes) - 1][0], changes[COUNT_OF(changes) - 1][1], &e), 0);
    group_free(g);
}

TEST(baselines_have_names)
{
    struct group *g = group_in("names");
    struct baseline b;
    struct map names = {0};
    struct error e = {0};
    CHECK_INT(baseline_load(g, "b", &b, &e), ERR_USAGE);
    CHECK_TEXT(e.message, "group 'users' has no baseline 'b'; there are none");
    CHECK_INT(baseline_load(g, "../b", &b, &e), ERR_USAGE);
    save_both(g);
    CHECK_INT(baseline_load(g, "c", &b, &e), ERR_USAGE);
    CHECK_TEXT(e.message, "group 'users' has no baseline 'c'; there is b");
    CHECK_INT(baseline_load(g, "b", &b, &e), 0);
    CHECK(b.newest && b.has_to && !b.has_from && b.until == 9 && b.made == 1700000000000000);
    CHECK_INT(b.features.len, 2);
    baseline_release(&b);
    CHECK_INT(baseline_names(g, &names, &e), 0);
    CHECK_INT(names.keys.len, 1);
    CHECK_INT(baseline_drop(g, "b", &e), 0);
    CHECK_INT(baseline_drop(g, "b", &e), ERR_USAGE);
    map_release(&names);
    group_free(g);
}
