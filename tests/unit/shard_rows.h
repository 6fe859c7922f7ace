/* For test_shards.c: a table with columns of all types, and how steps that learn are tried on it.
 */
#ifndef UNIT_SHARD_ROWS_H
#define UNIT_SHARD_ROWS_H

#include "base/base.h"

#include <math.h>

/* Columns of all types: numbers of several sizes, with missing cells and ties, categories with one
 * that is rare, texts, times, and targets with two and more values that depend on the others. */
static void put_large_row(struct buf *out, uint64_t row)
{
    static const char *const cities[] = {"Aix", "Bonn", "Cork", "Dole", "Eger", "\"F, G\""};
    static const char *const words[] = {"red", "green", "deep", "blue", "old", "new", "sea"};
    double u[8];
    for (size_t i = 0; i < COUNT_OF(u); i++)
        u[i] = random_unit(7, i, row);
    double normal = random_normal(7, 90, row);
    size_t city = (size_t)(u[0] * u[0] * 5) + (row % 500 == 499);
    int kind = (int)(u[1] * 3) + (normal > 1);
    buf_format(out, "%.4f,%.9g,%.3e,%d,", u[2] + u[3] + 0.1 * kind, exp(normal), u[4] * 1e9 + 1,
               (int)(u[5] * 9) + 1);
    if (u[6] < 0.9) /* else missing */
        buf_format(out, "%.2f", normal * 10 + (double)city);
    buf_putc(out, ',');
    if (u[7] < 0.95)
        buf_format(out, "%d", (int)(u[3] * 50));
    buf_format(out, ",%s,%s,2001-%02d-%02d,", cities[city], u[6] < 0.03 ? "" : words[kind],
               (int)(u[0] * 12) + 1, (int)(u[1] * 28) + 1);
    for (size_t i = 0; i < 4; i++)
        buf_format(out, "%s%s", i ? " " : "", words[(size_t)(u[4 + i] * COUNT_OF(words))]);
    buf_format(out, ",%d,%d\n", u[2] + 0.1 * (double)city + 0.2 * normal > 1, kind);
}

static void make_rows(struct buf *out, uint64_t rows)
{
    buf_puts(out, "a,b,c,d,gaps,holes,city,word,day,note,hit,kind\n");
    for (uint64_t row = 0; row < rows; row++)
        put_large_row(out, row);
}

/* What may stand behind the name of a step or method; the first with which the whole can be fitted
 * does. */
static const struct {
    const char *step; /* NULL: any */
    const char *arguments;
} trials[] = {
    {"adasyn", "hit columns=a,b,d sample=200"},
    {"bm25", "note"},
    {"class_weights", "kind"},
    {"count_vectorize", "note"},
    {"elliptic_envelope", "a,b,d,gaps sample=300"},
    {"fast_ica", "a,d,gaps k=2 sample=500"},
    {"fold how=group", "by=city"},
    {"fold how=stratified", "by=city"},
    {"impute with=group_mean", "gaps,holes by=city"},
    {"impute with=knn", "gaps,holes from=a,b sample=300"},
    {"impute with=random_sample", "gaps,holes,word sample=300"},
    {"impute with=regression", "gaps from=a,b"},
    {"infer_date_format", "day"},
    {"isolation_forest", "a,b,c,d,gaps sample=500 trees=5"},
    {"kmeans_distance", "a,b,c,d k=3 sample=500"},
    {"lof", "a,b,c,d,gaps sample=200"},
    {"nmf", "a,b,c,d k=2 sample=200"},
    {"nystroem", "a,b,c,d k=50"},
    {"outliers method=minmax", "a max=1"},
    {"oversample_random", "kind"},
    {"pivot_wider", "city a duplicates=first"},
    {"select_lasso", "a,b,c,d target=gaps alpha=0.01"},
    {"smote", "hit columns=a,b,d sample=200"},
    {"smote_nc", "hit columns=a,b,city sample=200"},
    {"split how=hash_key", "train=0.7 test=0.3 by=city"},
    {"split how=stratified", "train=0.7 test=0.3 stratify=kind"},
    {"split how=time", "train=0.7 test=0.3 by_time=day"},
    {"split", "train=0.7 test=0.3"},
    {"tfidf", "note"},
    {"tomek_links", "hit columns=a,b sample=200"},
    {"undersample_random", "kind"},
    {NULL, "a,b,c,d,gaps,holes"},
    {NULL, "a,b,c,d"},
    {NULL, "a,b,c,d,gaps target=hit"},
    {NULL, "a,b,c,d target=hit"},
    {NULL, "city,word target=hit"},
    {NULL, "city,word"},
    {NULL, ""},
};

/* What cannot be merged, or not even fitted to so few rows. */
static const struct {
    const char *program, *message;
} refused[] = {
    /* a shard of the example has one category, of which no columns are made */
    {"contrast size with=backward_difference | round @all digits=4", "no column matches '@all'"},
    {"contrast size with=polynomial | round @all digits=4", "no column matches '@all'"},
    /* a shard of the example has days up to 12 only */
    {"infer_date_format d", "read it equally well"},
    /* rows, or values, that are others in a shard */
    {"head 1000 | scale a", "step 2 (scale) learns from what step 1 (head) makes of several rows"},
    {"agg n=count() by=city | scale n", "step 1 (agg) makes of several rows"},
    {"dedup city | scale a", "step 1 (dedup) makes of several rows"},
    {"rolling a window=3 into=r | scale r", "step 1 (rolling) makes of several rows"},
    {"set p = prev(a) | scale p", "step 1 (set) makes of several rows"},
    {"lag a into=p | set q = p * 2 | scale q", "step 1 (shift) makes of several rows"},
    {"lag a into=p | rename p=q | scale q", "step 1 (shift) makes of several rows"},
    {"rank b into=p | filter p > 9 | scale a", "step 1 (rank) makes of several rows"},
    {"lag a into=p | drop_constant", "step 1 (shift) makes of several rows"},
    {"lag a into=p | scale a,b", "step 1 (shift) makes of several rows"},
    {"lag a into=p | drop p | scale @numeric", "step 1 (shift) makes of several rows"},
    {"add_index n | rolling b window=3 into=r | impute gaps | scale gaps,a",
     "step 1 (add_index) makes of several rows"},
    /* what an earlier step learnt */
    {"impute gaps with=mode | rename gaps=g | scale g",
     "learns from what a step before it has learnt"},
    {"impute gaps with=mean | filter d > 3 | scale gaps", "learns from what a step before it"},
    {"outliers a action=remove | scale b", "learns from what a step before it"},
};

/* Steps together: what is drawn by row, what is put in another order, what is taken back. */
static const char *const programs[] = {
    "set u = rand() | scale u",
    "set n = row_num() | scale n",
    "filter rand() < 0.5 | scale a",
    "sample_bernoulli fraction=0.3 seed=4 | bin a | onehot city",
    "sort a | scale a | target_encode city target=hit with=folds",
    "reverse | shuffle | isolation_forest a,d sample=100 trees=3",
    "impute gaps with=mean | scale gaps,a",
    "impute gaps with=median | rename gaps=g | scale g",
    "filter d > 3 | impute gaps with=mean | scale gaps",
    "impute gaps from=a with=knn sample=9 | lof b sample=99 | target_encode_cv city target=hit",
};

/* What stands between steps that learn, in chains. */
static const char *const between[] = {
    "lag b into=p",
    "add_index n",
    "rolling d window=3 into=r",
    "rank b into=rk",
    "fold k=3 how=stratified by=city into=f",
    "filter d > 2",
    "set a = a * 2 + d",
    "sort b",
    "sample_bernoulli fraction=0.8",
    "round gaps digits=1",
    "fold k=3",
    "scale @numeric",
    "impute @text with=mode",
    "set u = rand() + row_num()",
    "shuffle",
    "rename holes=gap",
};

#endif
