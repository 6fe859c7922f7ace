/* Operations of row programs: rows by what a model of many rows says of them. */
#include "runtime/program_machine.h"
#include "runtime/program_vector.h"

static double ml_dot(const double *a, const double *b, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* One weight to its best value while the others stay; how far it was from there. */
static double ml_improve(double *weight, double pull, double square)
{
    double slope = square * *weight - pull;
    double off = *weight == 0 ? fmin(slope, 0) : slope;
    if (square > 0)
        *weight = fmax(*weight - slope / square, 0);
    return fabs(off);
}

/* Coordinate after coordinate. Constants: the components, and the products of every two. */
bool ml_vector_weights(const struct ml_vector *v)
{
    if (v->count != (uint64_t)v->k * v->n + (uint64_t)v->k * v->k)
        return false;
    const double *squares = v->constant + (size_t)v->k * v->n;
    double off = 1, first = 0;
    for (uint32_t c = 0; c < v->k; c++)
        v->out[c] = isnan(squares[0]) ? ML_NONE : 0;
    for (int round = 0; v->k && round < 10000 && off > 1e-13 * first; round++) {
        off = 0;
        for (uint32_t c = 0; c < v->k && !isnan(squares[0]); c++) {
            const double *others = squares + (size_t)c * v->k;
            double pull = ml_dot(v->in, v->constant + (size_t)c * v->n, v->n);
            pull -= ml_dot(others, v->out, v->k) - others[c] * v->out[c];
            off += ml_improve(&v->out[c], pull, others[c]);
        }
        first = round == 0 ? off : first;
    }
    return true;
}

static bool ml_is_complete(const struct ml_vector *v)
{
    for (uint32_t i = 0; i < v->n; i++)
        if (isnan(v->in[i]))
            return false;
    return true;
}

static bool ml_give_all(const struct ml_vector *v, double x)
{
    for (uint32_t i = 0; i < v->k; i++)
        v->out[i] = x;
    return true;
}

/* The squared Mahalanobis distance; before it stands the row, solved for the root, a lower
 * triangle. */
bool ml_vector_ellipse(const struct ml_vector *v)
{
    if (v->k != v->n + UINT64_C(1) || v->count != v->n + (uint64_t)v->n * v->n)
        return false;
    const double *centre = v->constant, *root = v->constant + v->n;
    double squares = 0;
    if (!ml_is_complete(v))
        return ml_give_all(v, ML_NONE);
    for (uint32_t i = 0; i < v->n; i++) {
        const double *line = root + (size_t)i * v->n;
        double sum = v->in[i] - centre[i];
        for (uint32_t k = 0; k < i; k++)
            sum -= line[k] * v->out[k];
        v->out[i] = sum / line[i];
        squares += v->out[i] * v->out[i];
    }
    v->out[v->n] = squares;
    return true;
}

/* A number that stands for an integer below `end`; else `end`. */
static uint32_t ml_index(double x, uint32_t end)
{
    return x >= 0 && x < end ? (uint32_t)x : end;
}

/* Nodes are two numbers: ML_FOREST_NODES times the column, and where those above the cut go; the
 * cut. Or for a leaf -1, and the length of the path to it. Those up to the cut go to the node
 * behind; all go forward. */
static double ml_path_length(const struct ml_vector *v, uint32_t at, uint32_t nodes)
{
    while (at < nodes) {
        const double *here = v->constant + 2 + (size_t)at * 2;
        double column = floor(here[0] / ML_FOREST_NODES);
        uint32_t above = ml_index(here[0] - column * ML_FOREST_NODES, nodes);
        if (ml_index(column, v->n) == v->n)
            return here[1];
        if (v->in[ml_index(column, v->n)] <= here[1])
            at++;
        else
            at = above > at ? above : nodes;
    }
    return 0;
}

/* Constants: trees, the usual length of a path, and nodes; the first are a leaf for each tree that
 * holds the number of its root. */
bool ml_vector_forest(const struct ml_vector *v)
{
    if (v->k != 1 || v->count < 2 || v->count % 2)
        return false;
    uint32_t nodes = (v->count - 2) / 2, trees = ml_index(v->constant[0], nodes);
    double usual = v->constant[1], length = 0;
    if (!ml_is_complete(v) || trees == nodes)
        return ml_give_all(v, ML_NONE);
    for (uint32_t t = 0; t < trees; t++) {
        double root = v->constant[2 + (size_t)t * 2 + 1];
        length += ml_path_length(v, ml_index(root, nodes), nodes);
    }
    length /= (double)trees;
    v->out[0] = usual > 0 ? exp2(-length / usual) : 0.5;
    return true;
}

/* Rows in order of their distances, equal ones as they come: pairs of distance and number. */
struct ml_neighbours {
    double *pair;
    uint32_t most, found;
};

static void ml_add_neighbour(struct ml_neighbours *n, double distance, uint32_t row)
{
    if (n->found == n->most && distance >= n->pair[2 * (size_t)(n->found - 1)])
        return;
    uint32_t at = n->found < n->most ? n->found++ : n->found - 1;
    for (; at > 0 && n->pair[2 * (size_t)(at - 1)] > distance; at--) {
        n->pair[2 * (size_t)at] = n->pair[2 * (size_t)(at - 1)];
        n->pair[2 * (size_t)at + 1] = n->pair[2 * (size_t)(at - 1) + 1];
    }
    n->pair[2 * (size_t)at] = distance;
    n->pair[2 * (size_t)at + 1] = row;
}

static double ml_distance(const double *a, const double *b, uint32_t n)
{
    double squares = 0;
    for (uint32_t i = 0; i < n; i++)
        squares += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(squares);
}

/* The local outlier factor, behind pairs for the neighbours. Constants: rows of n numbers, each
 * with how far its surroundings reach and their density behind it. */
bool ml_vector_density(const struct ml_vector *v)
{
    uint32_t width = v->n + 2, rows = v->count / width;
    struct ml_neighbours near = {.pair = v->out, .most = v->k / 2};
    double sum = 0, reach = 0;
    if (v->k % 2 == 0 || v->count % width != 0 || near.most == 0 || near.most > rows)
        return false;
    if (!ml_is_complete(v))
        return ml_give_all(v, ML_NONE);
    for (uint32_t i = 0; i < rows; i++)
        ml_add_neighbour(&near, ml_distance(v->in, v->constant + (size_t)i * width, v->n), i);
    for (uint32_t i = 0; i < near.found; i++) {
        const double *own = v->constant + (size_t)near.pair[2 * (size_t)i + 1] * width + v->n;
        reach += fmax(near.pair[2 * (size_t)i], own[0]);
        sum += own[1];
    }
    double most = (double)near.most;
    v->out[v->k - 1] = sum / most / (1 / (reach / most + 1e-10));
    return true;
}

/* Mean square over the numbers both have; NaN when there are none. */
static double ml_distance_known(const double *a, const double *b, uint32_t n)
{
    double squares = 0, both = 0;
    for (uint32_t i = 0; i < n; i++) {
        double off = a[i] - b[i];
        if (!isnan(off)) {
            squares += off * off;
            both += 1;
        }
    }
    return squares / both;
}

/* The rows that have a number in the column: the neighbours among them, the sum of their numbers,
 * and how many they are. */
static uint32_t ml_find_donors(const struct ml_vector *v, uint32_t column,
                               struct ml_neighbours *near, double *sum)
{
    uint32_t rows = (v->count - 1) / v->n, all = 0;
    *sum = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const double *row = v->constant + 1 + (size_t)i * v->n;
        double far = ml_distance_known(row, v->in, v->n);
        if (isnan(row[column]))
            continue;
        *sum += row[column];
        all++;
        if (!isnan(far))
            ml_add_neighbour(near, far, i);
    }
    return all;
}

/* Behind pairs for the neighbours the mean of their numbers of one column; without any, of all rows
 * that have one. Constants: the column, rows of n numbers. */
bool ml_vector_nearest(const struct ml_vector *v)
{
    if (v->k % 2 == 0 || v->k < 3 || v->n == 0 || v->count == 0 || (v->count - 1) % v->n)
        return false;
    uint32_t column = ml_index(v->constant[0], v->n), count;
    struct ml_neighbours near = {.pair = v->out, .most = v->k / 2};
    double sum;
    if (column == v->n)
        return false;
    count = ml_find_donors(v, column, &near, &sum);
    if (near.found > 0) {
        count = near.found;
        sum = 0;
    }
    for (uint32_t i = 0; i < near.found; i++) {
        uint32_t row = (uint32_t)near.pair[2 * (size_t)i + 1];
        sum += v->constant[1 + (size_t)row * v->n + column];
    }
    v->out[v->k - 1] = count ? sum / count : ML_NONE;
    return true;
}
