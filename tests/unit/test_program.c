/*
 * Row programs: what operations do, what the checker refuses, and that a program that passes it
 * stays inside its memory whatever its bytes are. The memory of every run has exactly the size that
 * was asked for, so that the address sanitizer sees a step beyond it.
 */
#include "lower/lower.h"
#include "prep/lower.h"
#include "sys/sys.h"
#include "unit.h"

#include <math.h>
#include <stdlib.h>

/* A program of one feature. */
static struct buf finish(struct lowering *l, uint32_t reg)
{
    struct buf out = {0};
    struct error e = {0};
    if (lower_finish(l, &reg, 1, &out, &e))
        UNIT_FAIL("%s", e.message);
    lowering_free(l);
    return out;
}

static int run_one(const struct buf *program, const char *field, double *out)
{
    const struct ml_program *p = (const void *)program->at;
    void *work = mem_alloc(ml_program_work(p));
    struct ml_text fields[2] = {{field, field ? strlen(field) : 0}, {NULL, 0}};
    int status = ml_program_run(p, fields, work, out);
    mem_free(work);
    return status;
}

TEST(only_what_is_needed_stays)
{
    struct lowering *l = lowering_new();
    lower_field(l, text_of("unused"), "int");
    lower_field(l, text_of("used"), "float");
    uint32_t dead = lower_op(l, ML_OP_real, lower_column(l, 0, ML_FLOAT), 0, 0);
    (void)lower_op(l, ML_OP_add, dead, dead, 0);
    struct buf program = finish(l, lower_column(l, 1, ML_FLOAT));
    const struct ml_program *p = (const void *)program.at;
    CHECK_INT(p->fields, 1);
    CHECK_INT(p->op.count, 1);
    CHECK_INT(p->scratch, 0);
    CHECK(ml_program_field(p, 0).len == 4 && memcmp(ml_program_field(p, 0).at, "used", 4) == 0);
    CHECK(ml_program_type(p, 0).len == 5);
    double x = 0;
    CHECK_INT(run_one(&program, "2.5", &x), 0);
    CHECK_DOUBLE(x, 2.5);
    CHECK_INT(run_one(&program, NULL, &x), 0);
    CHECK(isnan(x));
    buf_release(&program);
}

TEST(a_refusal_says_where_and_why)
{
    struct lowering *l = lowering_new();
    lower_field(l, text_of("x"), "float");
    l->step = 7;
    struct buf program = finish(l, lower_column(l, 0, ML_FLOAT));
    const struct ml_program *p = (const void *)program.at;
    void *work = mem_alloc(ml_program_work(p));
    struct ml_text field = {"abc", 3};
    double x = 0;
    int status = ml_program_run(p, &field, work, &x);
    struct ml_why_not why = ml_program_why(p, work, status);
    CHECK_INT(status, -ML_WHY_NUMBER);
    CHECK_INT(why.step, 7);
    CHECK_INT(why.field, 1);
    CHECK_TEXT(why.text, "is not a number");
    mem_free(work);
    buf_release(&program);
}

TEST(jumps_pass_by_and_conversions_behind_them_are_made_anew)
{
    struct lowering *l = lowering_new();
    lower_field(l, text_of("x"), "text");
    uint32_t out = lower_op(l, ML_OP_set_float, lower_float(l, 1), 0, 0);
    uint32_t missing = lower_op(l, ML_OP_is_missing, lower_column(l, 0, ML_TEXT), 1, 0);
    size_t skip = lower_jump(l, ML_OP_jump_is, missing, 1);
    lower_op_to(l, ML_OP_move, 0, out, lower_column(l, 0, ML_FLOAT), 0, 0);
    lower_land(l, skip);
    uint32_t sum = lower_op(l, ML_OP_first_float, lower_column(l, 0, ML_FLOAT), out, 0);
    struct buf program = finish(l, lower_op(l, ML_OP_add, sum, out, 0));
    double x = 0;
    CHECK_INT(run_one(&program, "4", &x), 0);
    CHECK_DOUBLE(x, 8.0);
    CHECK_INT(run_one(&program, NULL, &x), 0);
    CHECK_DOUBLE(x, 2.0);
    buf_release(&program);
}

TEST(maps_find_every_key_and_no_other)
{
    enum { KEYS = 1000 };
    struct lowering *l = lowering_new();
    static char names[KEYS][8];
    struct text keys[KEYS];
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = (struct text){names[i], (size_t)snprintf(names[i], sizeof names[i], "k%zu", i)};
    lower_field(l, text_of("x"), "text");
    struct buf program = finish(l, lower_code(l, 0, keys, KEYS));
    double x = 0;
    for (size_t i = 0; i < KEYS; i++) {
        CHECK_INT(run_one(&program, names[i], &x), 0);
        CHECK_DOUBLE(x, (double)i);
    }
    CHECK_INT(run_one(&program, "k1000", &x), 0);
    CHECK_DOUBLE(x, -1.0);
    CHECK_INT(run_one(&program, "", &x), 0);
    CHECK_DOUBLE(x, -1.0);
    buf_release(&program);
}

TEST(texts_of_a_row_are_bounded)
{
    struct lowering *l = lowering_new();
    lower_field(l, text_of("x"), "text");
    uint32_t x = lower_column(l, 0, ML_TEXT), twice[2] = {x, x};
    uint32_t none = lower_op(l, ML_OP_set_text, lower_text(l, text_of("")), 0, 0);
    for (int i = 0; i < 12; i++)
        twice[0] = twice[1] = lower_op(l, ML_OP_concat, lower_list(l, twice, 2), none, 0);
    uint32_t length = lower_op(l, ML_OP_text_length, twice[0], 0, 0);
    struct buf program = finish(l, lower_op(l, ML_OP_float_of_int, length, 0, 0));
    double got = 0;
    CHECK_INT(run_one(&program, "abc", &got), 0);
    CHECK_DOUBLE(got, 12288.0);
    CHECK_INT(run_one(&program, "abcdefghijklmnopq", &got), -ML_WHY_LONG);
    buf_release(&program);
}

/* ---- hostile programs ---- */

#define ROWS                                                                                       \
    "age,city,fare,when,tags\n31,Rome,7.25,2024-05-16T10:00:00Z,a;b\n22,Oslo,1,2023-12-31,b\n"     \
    "45,Rome,512.3,2024-02-29T23:59:59.25Z,c;a\n38,Bonn,13,2000-01-01,\n"

static const char everything[] =
    "set words = lower(trim(city)) . replace(city, \"o\", \"00\") . lpad(age, 5, \"0\") . "
    "right(city, 2) . split_part(tags, \";\", 0), "
    "big = if(age > 30 and ln(age) > 3, round_to(fare, 1), age * 2), "
    "place = switch(city, \"Rome\", 1, index(city, \"o\")), "
    "hours = hour(when, \"America/New_York\") + date_diff(when, \"2001-02-03\", \"month\"), "
    "later = epoch(trunc_time(date_add(when, age, \"month\"), \"week\", \"Europe/Paris\")) | "
    "minhash_encode city dimensions=3 keep=true | hashing city,words columns_out=3 keep=true | "
    "copy city=town | similarity_encode town | multilabel_onehot tags unknown=ignore | "
    "map_values city Rome=Roma other=x into=mapped | pad_left city width=4 into=padded | "
    "replace_between city left=R right=e with=X into=between | "
    "ordinal mapped,padded,between,words unknown=-1 missing=-2 | "
    "date_parts when parts=week,hour zone=Europe/Paris | date_round when to=6h into=rounded | "
    "to_epoch rounded | impute age with=group_mean by=city into=filled | "
    "bin age bins=3 labels=range into=group | onehot group,city unknown=ignore missing=ignore | "
    "spline_basis fare knots=3 degree=2 keep=true | quantile_transform fare to=normal into=q | "
    "polynomial age,fare | pca age,fare k=2 keep=true | unit_norm age,fare | drop when";

static const char models[] =
    "copy city=note | tfidf city min_length=1 | bm25 tags min_length=1 | text_stats city | "
    "hash_vectorize tags features=2 min_length=1 | stopwords note words=a,rome into=kept | "
    "stem note into=stems | title note into=titled | strip_accents note into=bare | "
    "strip_html tags into=shown | contractions city into=long | strip_punct tags with=- into=flat "
    "| "
    "ordinal kept,stems,titled,bare,shown,long,flat unknown=-1 missing=-2 | "
    "is_alpha city | is_title city | is_url tags | is_ip tags | is_email city | "
    "tz_convert when zone=Asia/Kolkata into=there | date_parts there parts=hour | "
    "impute fare with=knn from=age neighbours=2 | isolation_forest age,fare trees=3 into=apart | "
    "lof age,fare neighbours=2 | elliptic_envelope age into=far | nmf age,fare k=2 keep=true";

static struct buf lower_program(const char *source, const struct lower_feature *features, size_t n)
{
    struct prep_context context = {.memory = (size_t)64 << 20, .jobs = 1, .training = true};
    struct recipe *r = NULL;
    struct input *in = NULL;
    struct error e = {0};
    struct buf out = {0}, state = {0};
    char *path = mem_text(in_folder("rows.csv"));
    FILE *f = fopen(path, "w");
    if (!f || fputs(ROWS, f) < 0 || fclose(f) != 0)
        UNIT_FAIL("cannot write %s", path);
    context.input.policy = &context.policy;
    int rc = recipe_parse(source, strlen(source), &context, &r, &e);
    if (rc == 0)
        rc = input_open(&path, 1, &context.input, &in, &e);
    if (rc == 0)
        rc = recipe_fit(r, in, &e);
    if (rc == 0)
        rc = recipe_save(r, &state, &e);
    struct lower_request wanted = {.features = features, .count = n};
    if (rc == 0)
        rc = lower_recipe(r, &wanted, &out, &e);
    if (rc)
        UNIT_FAIL("%s", e.message);
    input_free(in);
    recipe_free(r);
    buf_release(&state);
    mem_free(path);
    return out;
}

/* The program of that recipe with all its columns as features. */
static struct buf lower_everything(void)
{
    const struct lower_feature features[] = {
        {.name = "big"},     {.name = "place"},     {.name = "hours"},     {.name = "later"},
        {.name = "filled"},  {.name = "q"},         {.name = "city_0"},    {.name = "hash_1"},
        {.name = "mapped"},  {.name = "padded"},    {.name = "words"},     {.name = "between"},
        {.name = "rounded"}, {.name = "pca_1"},     {.name = "fare_sp_1"}, {.name = "when_week"},
        {.name = "tags_a"},  {.name = "city_Rome"}, {.name = "age"},       {.name = "age_x_fare"}};
    return lower_program(everything, features, COUNT_OF(features));
}

static struct buf lower_models(void)
{
    const struct lower_feature features[] = {
        {.name = "city_rome"},     {.name = "tags_a"},        {.name = "city_stats_char_count"},
        {.name = "tags_h1"},       {.name = "kept"},          {.name = "stems"},
        {.name = "titled"},        {.name = "bare"},          {.name = "shown"},
        {.name = "long"},          {.name = "flat"},          {.name = "city_is_alpha"},
        {.name = "city_is_title"}, {.name = "tags_is_url"},   {.name = "tags_is_ip"},
        {.name = "there_hour"},    {.name = "city_is_email"}, {.name = "fare"},
        {.name = "apart"},         {.name = "lof"},           {.name = "far"},
        {.name = "nmf_1"}};
    return lower_program(models, features, COUNT_OF(features));
}

static const char *const cells[] = {
    "31", "Rome", "7.25",   "2024-05-16T10:00:00Z", "a;b",
    "",   NULL,   "-1e300", "o\xC3\xB6o\xFF",       "9223372036854775807"};

/* A field's bytes in memory of exactly their length. */
static struct ml_text field_of(uint64_t draw)
{
    const char *cell = cells[draw % COUNT_OF(cells)];
    if (!cell)
        return (struct ml_text){NULL, 0};
    size_t n = strlen(cell);
    char *at = malloc(n ? n : 1);
    if (at)
        memcpy(at, cell, n);
    return (struct ml_text){at, at ? n : 0};
}

static int run_hostile(const struct ml_program *p, uint64_t seed)
{
    struct ml_text *fields = mem_array(NULL, p->fields + 1, sizeof *fields);
    double *features = malloc((size_t)p->features * sizeof *features + 1);
    void *work = malloc(ml_program_work(p));
    for (uint32_t i = 0; i < p->fields; i++)
        fields[i] = field_of(i < 5 && seed % 2 ? i : random_bits(seed, 1, i));
    int status = features && work ? ml_program_run(p, fields, work, features) : 0;
    if (work)
        (void)ml_program_why(p, work, status);
    for (uint32_t i = 0; i < p->fields; i++)
        free((void *)(uintptr_t)fields[i].at);
    free(work);
    free(features);
    mem_free(fields);
    return status;
}

/* True when the checker let the bytes pass; then they were run. */
static bool try_program(const char *bytes, size_t n, uint64_t seed)
{
    char *copy = malloc(n + 1);
    if (!copy)
        return false;
    memcpy(copy, bytes, n);
    bool good = ml_program_check(copy, n) == 0 && ml_program_work((const void *)copy) < (size_t)256
                                                                                            << 20;
    if (good)
        for (uint64_t k = 0; k < 3; k++)
            (void)run_hostile((const void *)copy, seed + k);
    free(copy);
    return good;
}

/* A byte of the header, of the operations or anywhere. */
static size_t place_of(const struct buf *program, uint64_t draw)
{
    const struct ml_program *p = (const void *)program->at;
    uint64_t at = draw >> 8;
    switch (draw % 4) {
    case 0:
        return at % sizeof *p;
    case 1:
        return (size_t)p->op.at + at % (p->op.count * sizeof(struct ml_op));
    case 2:
        return (size_t)p->list.at + at % (p->list.count * 4 + p->range.count * 8);
    default:
        return at % program->len;
    }
}

static void change_program(struct buf program, uint64_t times)
{
    size_t accepted = 0;
    CHECK(program.len > 0 && try_program(program.at, program.len, 1));
    for (uint64_t k = 0; program.len > 0 && k < times; k++) {
        char *copy = mem_copy(program.at, program.len);
        for (uint64_t i = 0; i <= random_bits(k, 2, 0) % 3; i++) {
            size_t at = place_of(&program, random_bits(k, 3, i));
            uint64_t how = random_bits(k, 4, i);
            copy[at] = (char)(how % 3 ? (unsigned char)copy[at] ^ 1U << (how >> 8) % 8 : how >> 8);
        }
        accepted += try_program(copy, program.len, k);
        mem_free(copy);
    }
    CHECK(accepted > 100 && accepted < times);
    printf("# %zu of %zu changed programs were accepted\n", accepted, (size_t)times);
    buf_release(&program);
}

TEST(changed_programs_stay_inside_their_memory)
{
    change_program(lower_everything(), 20000);
    change_program(lower_models(), 4000);
}

TEST(cut_programs_are_refused)
{
    struct buf program = lower_everything();
    for (size_t n = 0; n < program.len; n += n < 1024 ? 1 : 97)
        CHECK(!try_program(program.at, n, n));
    buf_release(&program);
}
